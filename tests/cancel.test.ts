import { query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { insertAskedAttempts, lockRowsToAsk } from '@leadwell/shared/repositories/asks';
import { claimLease, type Lease } from '@leadwell/shared/repositories/leases';
import { newId } from '@leadwell/shared/domain/ids';
import type { Ending } from '@leadwell/shared/domain/ending';
import { settle } from '@leadwell/shared/settle/settle';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { seedLeads, seedTenant, type Tenant } from './support/seed';
import {
  startTestApi,
  type Answer,
  type EnrichmentBody,
  type ErrorBody,
  type TestApi,
} from './support/test-api';

const ENRICHMENT = '/api/v1/operations/enrichment';

interface Listed {
  count: number;
  enrichmentIds: string[];
}

interface CancelBody {
  requestId: string;
  changed: boolean;
  cancelled: Listed;
  cancelledBefore: Listed;
  goingOn: { asked: Listed; listedElsewhere: Listed; reused: Listed };
  creditsRefunded: number;
  balance: number;
}

describe('cancel', () => {
  let api: TestApi;
  let leads: string[];

  beforeAll(async () => {
    api = await startTestApi({ BATCH_SIZE: '5' });
    leads = await seedLeads(api.knex, 40);
  });
  afterAll(() => api.close());
  afterEach(async () => {
    expect((await audit(api.knex)).invariants.filter((one) => one.violations > 0)).toEqual([]);
  });

  async function order(tenant: Tenant, ids: string[]) {
    const body = { selection: { mode: 'manual', includedIds: ids }, field: 'emails' };
    const answer = await api.call<EnrichmentBody[]>('POST', `${ENRICHMENT}/bulk`, {
      key: tenant.apiKey,
      body,
    });
    expect(answer.status).toBe(200);
    const path = answer.headers.get('location') as string;
    return {
      rows: answer.json,
      ids: answer.json.map((row) => row.id),
      path,
      requestId: path.split('/').at(-1)!,
    };
  }

  async function cancel(tenant: Tenant, path: string): Promise<CancelBody> {
    const answer = await api.call<CancelBody>('POST', `${path}/cancel`, { key: tenant.apiKey });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-credits-balance')).toBe(String(answer.json.balance));
    return answer.json;
  }

  /** What the ask of a worker leaves behind. */
  async function ask(...enrichmentIds: string[]): Promise<void> {
    await insertAskedAttempts(api.knex, enrichmentIds.map(toAttempt));
  }
  const toAttempt = (enrichmentId: string) => {
    return { enrichmentId, provider: 'hunter', lookupId: newId(), ask: 1, shared: false };
  };

  const refundsOf = (tenant: Tenant) =>
    query<{ amount: number; reference_id: string; metadata: unknown }>(
      api.knex,
      `SELECT amount, reference_id, metadata FROM credit_transactions WHERE org_id = ? AND type = 'credit_refunded'`,
      [tenant.orgId],
    );
  const openBatches = async (requestId: string): Promise<number> => {
    const [row] = await query<{ n: number }>(
      api.knex,
      'SELECT count(*) AS n FROM batches WHERE request_id = ? AND completed_at IS NULL',
      [requestId],
    );
    return row!.n;
  };
  const lease = async (requestId: string): Promise<Lease[]> => {
    const batches = await query<{ id: string }>(api.knex, 'SELECT id FROM batches WHERE request_id = ?', [
      requestId,
    ]);
    const terms = { leaseSeconds: 8, workerName: 'test', alsoReturned: true };
    return Promise.all(
      batches.map(async ({ id }) => (await claimLease(api.knex, { batchId: id, ...terms })) as Lease),
    );
  };
  const notFound = (enrichmentId: string): Ending => {
    return { enrichmentId, found: false, status: 'finished', error: null, lookupId: null, attempts: [] };
  };

  it('ends and refunds exactly what nobody has been asked about, and names what goes on', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { ids, path, requestId } = await order(tenant, leads.slice(0, 12));
    await ask(ids[3]!, ids[7]!);
    const asked = [ids[3]!, ids[7]!];
    const others = ids.filter((id) => !asked.includes(id));
    expect(await cancel(tenant, path)).toEqual({
      requestId,
      changed: true,
      cancelled: { count: 10, enrichmentIds: others },
      cancelledBefore: { count: 0, enrichmentIds: [] },
      goingOn: {
        asked: { count: 2, enrichmentIds: asked },
        listedElsewhere: { count: 0, enrichmentIds: [] },
        reused: { count: 0, enrichmentIds: [] },
      },
      creditsRefunded: 50,
      balance: 90,
    });
    expect(await refundsOf(tenant)).toEqual([
      { amount: 50, reference_id: requestId, metadata: { count: 10, unitPrice: 5 } },
    ]);
    const summary = await api.call<Record<string, unknown>>('GET', path, { key: tenant.apiKey });
    expect(summary.json).toMatchObject({
      pending: 2,
      cancelled: 10,
      creditsCharged: 60,
      creditsRefunded: 50,
    });
    expect(summary.json['cancelledAt']).toEqual(expect.any(String));
    // The last five leads' batch holds nothing of either: complete at once. The relay is told that there is room.
    expect(await openBatches(requestId)).toBe(2);
    expect(api.published.filter((orgId) => orgId === tenant.orgId)).toHaveLength(2);
  });

  it('changes nothing the second time, and says so', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { ids, path, requestId } = await order(tenant, leads.slice(0, 7));
    await cancel(tenant, path);
    const again = await cancel(tenant, path);
    expect(again).toMatchObject({ changed: false, creditsRefunded: 0, balance: 100 });
    expect(again.cancelled.count).toBe(0);
    expect(again.cancelledBefore.enrichmentIds).toEqual(ids);
    expect(await refundsOf(tenant)).toHaveLength(1);
    expect(await openBatches(requestId)).toBe(0);
  });

  it('refunds once, however many cancel at once', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { path } = await order(tenant, leads.slice(0, 8));
    const answers = await Promise.all(Array.from({ length: 12 }, () => cancel(tenant, path)));
    expect(answers.filter((answer) => answer.changed)).toHaveLength(1);
    expect(answers.reduce((sum, answer) => sum + answer.creditsRefunded, 0)).toBe(40);
    expect(await refundsOf(tenant)).toHaveLength(1);
  });

  it('spares what another open request lists, until that one is cancelled too', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const first = await order(tenant, leads.slice(0, 4));
    const second = await order(tenant, leads.slice(2, 6));
    const shared = first.ids.slice(2);
    const done = await cancel(tenant, first.path);
    expect(done.cancelled.enrichmentIds).toEqual(first.ids.slice(0, 2));
    expect(done.goingOn.listedElsewhere).toEqual({ count: 2, enrichmentIds: shared });

    const other = await cancel(tenant, second.path);
    expect(other.cancelled.enrichmentIds).toEqual(second.ids.slice(2));
    expect(other.goingOn.reused).toEqual({ count: 2, enrichmentIds: shared });

    const last = await cancel(tenant, first.path);
    expect(last.cancelled.enrichmentIds).toEqual(shared);
    expect(last.balance).toBe(100);
    expect((await refundsOf(tenant)).map(({ amount }) => amount)).toEqual([10, 10, 10]);
  });

  it('answers another organisation’s request as an unknown one, and changes nothing of it', async () => {
    const owner = await seedTenant(api.knex, { credits: 100 });
    const stranger = await seedTenant(api.knex, { credits: 100 });
    const { path, requestId } = await order(owner, leads.slice(0, 3));
    const call = (id: string) =>
      api.call<ErrorBody>('POST', `${ENRICHMENT}/requests/${id}/cancel`, { key: stranger.apiKey });
    const [foreign, unknown] = await Promise.all([call(requestId), call(newId())]);
    const told = ({ status, json }: Answer<ErrorBody>) => [status, json.error.code, json.error.message];
    expect(told(foreign)).toEqual(told(unknown));
    expect(foreign.status).toBe(404);
    expect((await cancel(owner, path)).cancelled.count).toBe(3);
  });

  it('needs the scope to enrich, a well-formed id, and nothing in its body', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const reader = await seedTenant(api.knex, { scopes: ['read', 'import'] });
    const { path } = await order(tenant, leads.slice(0, 1));
    const call = (key: string, to: string, body?: unknown) =>
      api.call('POST', to, { key, ...(body !== undefined && { body }) }).then(({ status }) => status);
    expect(await call(reader.apiKey, `${path}/cancel`)).toBe(403);
    expect(await call(tenant.apiKey, `${ENRICHMENT}/requests/x/cancel`)).toBe(400);
    expect(await call(tenant.apiKey, `${path}/cancel`, { all: true })).toBe(400);
    expect(await call(tenant.apiKey, `${path}/cancel?all=true`)).toBe(400);
    expect((await cancel(tenant, path)).cancelled.count).toBe(1);
  });

  it('waits for an ask that is being written, and then leaves its rows alone', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { ids, path, requestId } = await order(tenant, leads.slice(0, 3));
    const [held] = await lease(requestId);
    const asking = await api.knex.transaction();
    const locked = await lockRowsToAsk(asking, [
      { orgId: tenant.orgId, enrichmentId: ids[1]!, fence: held!.fence },
    ]);
    expect(locked.size).toBe(1);
    const cancelling = cancel(tenant, path);
    await waitUntil(async () => {
      const waiting = await query(
        api.knex,
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return waiting.length > 0;
    });
    await insertAskedAttempts(asking, [toAttempt(ids[1]!)]);
    await asking.commit();
    const done = await cancelling;
    expect(done.goingOn.asked.enrichmentIds).toEqual([ids[1]]);
    expect(done.cancelled.count).toBe(2);
    expect(await openBatches(requestId)).toBe(1);
  });

  it('lets an ask that comes later find nothing to ask', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { ids, path, requestId } = await order(tenant, leads.slice(0, 3));
    const [held] = await lease(requestId);
    await ask(ids[0]!);
    await cancel(tenant, path);
    const rows = ids.map((enrichmentId) => ({ orgId: tenant.orgId, enrichmentId, fence: held!.fence }));
    expect([...(await api.knex.transaction((trx) => lockRowsToAsk(trx, rows)))]).toEqual([ids[0]]);
  });

  it('and a settle at the same moment end each row once, with one refund', async () => {
    for (let round = 0; round < 8; round++) {
      const tenant = await seedTenant(api.knex, { credits: 200 });
      const { ids, path, requestId } = await order(tenant, leads.slice(0, 20));
      const leases = await lease(requestId);
      const settles = leases.map((held, at) =>
        settle(
          api.knex,
          held,
          ids
            .slice(5 * at, 5 * at + 5)
            .reverse()
            .map(notFound),
        ),
      );
      const [done] = await Promise.all([cancel(tenant, path), ...settles]);
      const ended = await query<{ status: string; n: number }>(
        api.knex,
        `SELECT status, count(*) AS n FROM enrichments WHERE org_id = ? GROUP BY status`,
        [tenant.orgId],
      );
      const counts = Object.fromEntries(ended.map(({ status, n }) => [status, n]));
      expect(counts['pending'] ?? 0).toBe(0);
      expect(counts['cancelled'] ?? 0).toBe(done.cancelled.count);
      expect((counts['finished'] ?? 0) + done.cancelled.count).toBe(20);
      const refunded = (await refundsOf(tenant)).reduce((sum, { amount }) => sum + amount, 0);
      expect(refunded).toBe(100);
      expect(await openBatches(requestId)).toBe(0);
    }
  });

  it('and an order of the same leads at the same moment leave each lead of the order pending and paid once', async () => {
    for (let round = 0; round < 8; round++) {
      const tenant = await seedTenant(api.knex, { credits: 300 });
      const { path, ids } = await order(tenant, leads.slice(0, 20));
      const [done, again] = await Promise.all([
        cancel(tenant, path),
        order(tenant, leads.slice(10, 30).reverse()),
      ]);
      expect(again.rows.map((row) => row.status)).toEqual(again.rows.map(() => 'pending'));
      const live = await query<{ id: string }>(
        api.knex,
        `SELECT id FROM enrichments WHERE org_id = ? AND status = 'pending'`,
        [tenant.orgId],
      );
      expect(new Set(live.map(({ id }) => id))).toEqual(new Set(again.ids));
      const spared = ids.filter((id) => again.ids.includes(id));
      expect([0, 10]).toContain(spared.length);
      expect(new Set(done.goingOn.listedElsewhere.enrichmentIds)).toEqual(new Set(spared));
      const [account] = await query<{ balance: number }>(
        api.knex,
        'SELECT balance FROM credit_accounts WHERE org_id = ?',
        [tenant.orgId],
      );
      expect(account?.balance).toBe(200);
    }
  });
});
