import { query } from '@leadwell/shared/db/database';
import { seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type EnrichmentBody, type ErrorBody, type TestApi } from './support/test-api';

const BULK = '/api/v1/operations/enrichment/bulk';

describe('Idempotency-Key', () => {
  let api: TestApi;
  let leads: string[];

  beforeAll(async () => {
    api = await startTestApi();
    leads = await seedLeads(api.knex, 20);
  });
  afterAll(() => api.close());

  function order(tenant: Tenant, ids: string[], idempotencyKey: string, more: object = {}) {
    return api.call<EnrichmentBody[]>('POST', BULK, {
      key: tenant.apiKey,
      body: { selection: { mode: 'manual', includedIds: ids }, field: 'emails', ...more },
      headers: { 'idempotency-key': idempotencyKey },
    });
  }

  it('makes one debit of 50 identical calls at once, and answers them with the same ids', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => order(tenant, leads.slice(0, 10), 'fifty')),
    );
    const good = answers.filter((answer) => answer.status === 200);
    expect(answers.every((answer) => [200, 409].includes(answer.status))).toBe(true);
    expect(good.length).toBeGreaterThan(0);
    expect(new Set(good.map((answer) => answer.json.map((row) => row.id).join())).size).toBe(1);
    expect(new Set(good.map((answer) => answer.headers.get('x-credits-charged')))).toEqual(new Set(['50']));
    expect(good.filter((answer) => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1);
    const debits = await query(
      api.knex,
      `SELECT amount FROM credit_transactions WHERE org_id = ? AND type = 'credit_consumed'`,
      [tenant.orgId],
    );
    expect(debits).toEqual([{ amount: 50 }]);
  });

  it('replays the same rows in the same order with their present status and the first charge', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const ids = [leads[3], leads[1], leads[2]] as string[];
    const first = await order(tenant, ids, 'replay');
    const failed = first.json[1]!.id;
    await api.knex.raw(
      `UPDATE enrichments SET status = 'failed', error = 'down', data_found = false, ended_at = clock_timestamp() WHERE id = ?`,
      [failed],
    );
    // A later round supersedes the row; the replay still names the one it was answered with.
    await order(tenant, [ids[1]!], 'another');
    const again = await order(tenant, ids, 'replay');
    expect(again.json.map((row) => row.id)).toEqual(first.json.map((row) => row.id));
    expect(again.json.map((row) => row.status)).toEqual(['pending', 'failed', 'pending']);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('x-credits-charged')).toBe('15');
    expect(again.headers.get('x-credits-balance')).toBe('80');
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
  });

  it('takes the same body in another order of fields and case of ids for the same call', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    await order(tenant, [leads[0]!], 'spelling');
    const answer = await api.call('POST', BULK, {
      key: tenant.apiKey,
      body: {
        priority: 'normal',
        field: 'emails',
        selection: { includedIds: [leads[0]!.toUpperCase()], mode: 'manual' },
      },
      headers: { 'idempotency-key': 'spelling' },
    });
    expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
  });

  it('refuses another body, query or path under the same key', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    await order(tenant, [leads[0]!], 'mine');
    const other = await order(tenant, [leads[1]!], 'mine');
    expect([other.status, (other.json as unknown as ErrorBody).error.code]).toEqual([
      422,
      'IDEMPOTENCY_MISMATCH',
    ]);
    const path = await api.call('POST', `/api/v1/operations/enrichment/${leads[0]}?field=emails`, {
      key: tenant.apiKey,
      headers: { 'idempotency-key': 'mine' },
    });
    expect(path.status).toBe(422);
  });

  it('is one organisation’s own', async () => {
    const [one, two] = [
      await seedTenant(api.knex, { credits: 100 }),
      await seedTenant(api.knex, { credits: 100 }),
    ];
    await order(one, [leads[0]!], 'common');
    const answer = await order(two, [leads[1]!], 'common');
    expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([200, null]);
  });

  it('is free again after a refusal', async () => {
    const tenant = await seedTenant(api.knex, { credits: 4 });
    expect((await order(tenant, [leads[0]!], 'again')).status).toBe(402);
    expect((await order(tenant, ['0193c0de-0000-7000-8000-000000000000'], 'again')).status).toBe(400);
    await api.knex.raw('UPDATE credit_accounts SET balance = 50 WHERE org_id = ?', [tenant.orgId]);
    const answer = await order(tenant, [leads[1]!], 'again');
    expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([200, null]);
  });

  it('answers 409 with Retry-After while the first call is in flight, without waiting for it', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const blocker = await api.knex.transaction();
    await blocker.raw('SELECT 1 FROM credit_accounts WHERE org_id = ? FOR UPDATE', [tenant.orgId]);
    const first = order(tenant, [leads[0]!], 'slow');
    const isWaiting = async (): Promise<boolean> => {
      const rows = await query(
        api.knex,
        `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return rows.length > 0;
    };
    while (!(await isWaiting()));
    const second = await order(tenant, [leads[0]!], 'slow');
    expect([second.status, second.headers.get('retry-after')]).toEqual([409, '1']);
    await blocker.rollback();
    expect((await first).status).toBe(200);
    expect((await order(tenant, [leads[0]!], 'slow')).headers.get('idempotency-replayed')).toBe('true');
  });
});
