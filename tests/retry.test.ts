import { execute, query } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { seedHit, seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type EnrichmentBody, type ErrorBody, type TestApi } from './support/test-api';

const ENRICHMENT = '/api/v1/operations/enrichment';

describe('retry', () => {
  let api: TestApi;
  let leads: string[];

  beforeAll(async () => {
    api = await startTestApi();
    leads = await seedLeads(api.knex, 20);
  });
  afterAll(() => api.close());

  async function order(tenant: Tenant, ids: string[], field = 'emails') {
    const body = { selection: { mode: 'manual', includedIds: ids }, field };
    const answer = await api.call<EnrichmentBody[]>('POST', `${ENRICHMENT}/bulk`, {
      key: tenant.apiKey,
      body,
    });
    expect(answer.status).toBe(200);
    return { rows: answer.json, path: answer.headers.get('location') as string };
  }
  const retry = <T = EnrichmentBody[]>(tenant: Tenant, path: string, more: object = {}, query = '') =>
    api.call<T>('POST', `${path}/retry${query}`, { key: tenant.apiKey, ...more });
  const end = (id: string, status: string, found = false) =>
    execute(
      api.knex,
      `UPDATE enrichments SET status = :status, error = 'ended', data_found = :found, ended_at = clock_timestamp(),
              lookup_id = CASE WHEN :found THEN gen_random_uuid() END
        WHERE id = :id`,
      { id, status, found },
    );
  /** Six leads: found, failed, without data, timed out, pending, cancelled. */
  async function ended(tenant: Tenant) {
    const { rows, path } = await order(
      tenant,
      [3, 1, 4, 0, 5, 2].map((at) => leads[at]!),
    );
    const ends: [number, string, boolean][] = [
      [0, 'finished', true],
      [1, 'failed', false],
      [2, 'finished', false],
      [3, 'timeout', false],
      [5, 'cancelled', false],
    ];
    for (const [at, status, found] of ends) await end(rows[at]!.id, status, found);
    return { rows, path, broken: [rows[1]!, rows[3]!, rows[5]!] };
  }

  it('orders anew exactly the failed, timed out and cancelled leads, in their order, at their price', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { path, broken } = await ended(tenant);
    const answer = await retry(tenant, path);
    expect(answer.status).toBe(200);
    expect(answer.json.map((row) => row.entityId)).toEqual(broken.map((row) => row.entityId));
    expect(answer.json.map((row) => row.status)).toEqual(['pending', 'pending', 'pending']);
    expect(answer.json.some((row) => broken.some((old) => old.id === row.id))).toBe(false);
    expect(answer.headers.get('x-credits-charged')).toBe('15');
    expect(answer.headers.get('x-credits-balance')).toBe('55');
    const location = answer.headers.get('location') as string;
    expect(location).not.toBe(path);
    const request = await api.call('GET', location, { key: tenant.apiKey });
    expect(request.json).toMatchObject({
      mode: 'retry',
      field: 'emails',
      total: 3,
      reused: 0,
      creditsCharged: 15,
    });
    expect(api.published.filter((orgId) => orgId === tenant.orgId)).toHaveLength(2);
  });

  it('charges nothing for what another round has under way or has finished, and lists it', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { path, broken } = await ended(tenant);
    const [first, second, third] = broken.map((row) => row.entityId) as [string, string, string];
    const { rows } = await order(tenant, [first, second]);
    await end(rows[1]!.id, 'finished', true);
    const answer = await retry(tenant, path);
    expect(answer.json.map((row) => [row.entityId, row.status])).toEqual([
      [first, 'pending'],
      [second, 'finished'],
      [third, 'pending'],
    ]);
    expect(answer.json.slice(0, 2).map((row) => row.id)).toEqual(rows.map((row) => row.id));
    expect(answer.headers.get('x-credits-charged')).toBe('5');
    const again = await retry(tenant, path);
    expect(again.json.map((row) => row.id)).toEqual(answer.json.map((row) => row.id));
    expect(again.headers.get('x-credits-charged')).toBe('0');
  });

  it('ends at once and free what a stored answer answers by now', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const [lead] = (await seedLeads(api.knex, 1)) as [string];
    const { rows, path } = await order(tenant, [lead]);
    await end(rows[0]!.id, 'failed');
    const { name: provider, baseUrl } = api.waterfall.emails[0]!;
    await seedHit(api.knex, { leadId: lead, provider, baseUrl, form: 'name_domain', value: 'a@b.example' });
    const answer = await retry(tenant, path);
    expect(answer.json.map((row) => row.status)).toEqual(['finished']);
    expect(answer.headers.get('x-credits-charged')).toBe('0');
  });

  it('answers an empty array and charges nothing where nothing is to be retried', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { path } = await order(tenant, leads.slice(0, 2));
    const answer = await retry(tenant, path);
    expect([answer.status, answer.json, answer.headers.get('x-credits-charged')]).toEqual([200, [], '0']);
    expect(answer.headers.get('x-credits-balance')).toBe('90');
  });

  it('replays under its Idempotency-Key, and debits once however many repeat it at once', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const { path } = await ended(tenant);
    const headers = { 'idempotency-key': 'again' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => retry(tenant, path, { headers })));
    const good = answers.filter(({ status }) => status === 200);
    expect(answers.every(({ status }) => [200, 409].includes(status))).toBe(true);
    expect(new Set(good.map(({ headers: sent }) => sent.get('location'))).size).toBe(1);
    const replay = await retry(tenant, path, { headers });
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(replay.headers.get('x-credits-charged')).toBe('15');
    const other = await retry<ErrorBody>(tenant, path, { headers, body: { priority: 'high' } });
    expect([other.status, other.json.error.code]).toEqual([422, 'IDEMPOTENCY_MISMATCH']);
    const debits = await query(
      api.knex,
      `SELECT amount FROM credit_transactions WHERE org_id = ? AND type = 'credit_consumed' ORDER BY amount`,
      [tenant.orgId],
    );
    expect(debits).toEqual([{ amount: 15 }, { amount: 30 }]);
  });

  it('tells its price first, and fails whole where credits are short', async () => {
    const tenant = await seedTenant(api.knex, { credits: 40 });
    const { path } = await ended(tenant);
    const quote = await retry<object>(tenant, path, {}, '?dryRun=true');
    expect(quote.json).toEqual({ selected: 3, free: 0, new: 3, required: 15, available: 10, short: 5 });
    const refused = await retry<ErrorBody>(tenant, path);
    expect([refused.status, refused.json.error.details]).toEqual([
      402,
      [{ required: 15, available: 10, short: 5 }],
    ]);
    const capped = await retry<ErrorBody>(tenant, path, { body: { maxCredits: 4 } });
    expect([capped.status, capped.json.error.details]).toEqual([
      402,
      [{ required: 15, available: 4, short: 11 }],
    ]);
    const [row] = await query(api.knex, `SELECT count(*) AS n FROM requests WHERE org_id = ?`, [
      tenant.orgId,
    ]);
    expect(row).toEqual({ n: 1 });
  });

  it('keeps the field of the request, and leaves out leads that were erased since', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const own = await seedLeads(api.knex, 2, tenant.orgId);
    const { rows, path } = await order(tenant, own, 'phones');
    for (const row of rows) await end(row.id, 'failed');
    await execute(api.knex, 'DELETE FROM people WHERE id = ?', [own[0]]);
    const answer = await retry(tenant, path);
    expect(answer.json.map((row) => [row.entityId, row.field])).toEqual([[own[1], 'phones']]);
    expect(answer.headers.get('x-credits-charged')).toBe('20');
  });

  it('answers 404 for another organisation’s request, 403 without the scope, 400 for what it does not know', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const stranger = await seedTenant(api.knex, { credits: 100 });
    const reader = await seedTenant(api.knex, { scopes: ['read'] });
    const { path } = await ended(tenant);
    expect((await retry(stranger, path)).status).toBe(404);
    expect((await retry(tenant, `${ENRICHMENT}/requests/${newId()}`)).status).toBe(404);
    expect((await retry(reader, path)).status).toBe(403);
    expect((await retry(tenant, path, { body: { field: 'phones' } })).status).toBe(400);
  });
});
