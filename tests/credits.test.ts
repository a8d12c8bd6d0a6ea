import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { execute, query } from '@leadwell/shared/db/database';
import { seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type EnrichmentBody, type ErrorBody, type TestApi } from './support/test-api';

const ENRICHMENT = '/api/v1/operations/enrichment';
const CREDITS = '/api/v1/operations/credits';

interface Quote {
  selected: number;
  free: number;
  new: number;
  required: number;
  available: number;
  short: number;
}

interface History {
  transactions: { id: string; type: string; amount: number; [field: string]: unknown }[];
  count: number;
}

describe('credits', () => {
  let api: TestApi;
  let leads: string[];

  beforeAll(async () => {
    api = await startTestApi();
    leads = await seedLeads(api.knex, 60);
  });
  afterAll(() => api.close());

  function order(tenant: Tenant, ids: string[], more: object = {}, query = '') {
    const body = { selection: { mode: 'manual', includedIds: ids }, field: 'emails', ...more };
    return api.call<EnrichmentBody[]>('POST', `${ENRICHMENT}/bulk${query}`, { key: tenant.apiKey, body });
  }

  async function balanceOf(tenant: Tenant): Promise<number> {
    const answer = await api.call<{ balance: number; organizationId: string }>('GET', `${CREDITS}/balance`, {
      key: tenant.apiKey,
    });
    expect(Object.keys(answer.json)).toEqual(['balance', 'organizationId', 'lowCreditsThreshold', 'low']);
    expect(answer.json.organizationId).toBe(tenant.orgId);
    return answer.json.balance;
  }

  /** Every row an order could have written. */
  async function rowsOf(tenant: Tenant): Promise<unknown> {
    const [row] = await query(
      api.knex,
      `SELECT (SELECT count(*) FROM enrichments WHERE org_id = :org) AS enrichments,
              (SELECT count(*) FROM requests WHERE org_id = :org) AS requests,
              (SELECT count(*) FROM batches WHERE org_id = :org) AS batches,
              (SELECT count(*) FROM idempotency_keys WHERE org_id = :org) AS keys,
              (SELECT count(*) FROM credit_transactions WHERE org_id = :org AND type <> 'credit_added') AS moved`,
      { org: tenant.orgId },
    );
    return row;
  }
  const NOTHING = { enrichments: 0, requests: 0, batches: 0, keys: 0, moved: 0 };

  it('refuses the whole order where the balance is too small, and writes nothing', async () => {
    const tenant = await seedTenant(api.knex, { credits: 12 });
    const answer = await order(tenant, leads.slice(0, 3));
    const { error } = answer.json as unknown as ErrorBody;
    expect([answer.status, error.code, error.details]).toEqual([
      402,
      'INSUFFICIENT_CREDITS',
      [{ required: 15, available: 12, short: 3 }],
    ]);
    expect(await balanceOf(tenant)).toBe(12);
    expect(await rowsOf(tenant)).toEqual(NOTHING);
    expect(api.published).not.toContain(tenant.orgId);
  });

  it('refuses an order dearer than maxCredits, and takes one that costs exactly that', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const refused = await order(tenant, leads.slice(0, 3), { maxCredits: 14 });
    expect([refused.status, (refused.json as unknown as ErrorBody).error.details]).toEqual([
      402,
      [{ required: 15, available: 14, short: 1 }],
    ]);
    expect(await rowsOf(tenant)).toEqual(NOTHING);
    expect((await order(tenant, leads.slice(0, 3), { maxCredits: 15 })).status).toBe(200);
    expect((await order(tenant, leads.slice(0, 3), { maxCredits: 0 })).status).toBe(200);
  });

  it('tells what an order would cost, also when short, and writes nothing', async () => {
    const tenant = await seedTenant(api.knex, { credits: 17 });
    await order(tenant, leads.slice(0, 2));
    const quote = await api.call<Quote>('POST', `${ENRICHMENT}/bulk?dryRun=true`, {
      key: tenant.apiKey,
      body: { selection: { mode: 'manual', includedIds: leads.slice(0, 5) }, field: 'emails' },
      headers: { 'idempotency-key': 'ignored' },
    });
    expect([quote.status, quote.json]).toEqual([
      200,
      { selected: 5, free: 2, new: 3, required: 15, available: 7, short: 8 },
    ]);
    expect(await rowsOf(tenant)).toEqual({ enrichments: 2, requests: 1, batches: 1, keys: 0, moved: 1 });
  });

  it('lets exactly as many of 50 clients succeed as the balance pays for', async () => {
    const tenant = await seedTenant(api.knex, { credits: 5 * 17 + 4 });
    const answers = await Promise.all(leads.slice(0, 50).map((lead) => order(tenant, [lead])));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(17);
    expect(statuses.filter((status) => status === 402)).toHaveLength(33);
    expect(await balanceOf(tenant)).toBe(4);
    expect(await rowsOf(tenant)).toMatchObject({ enrichments: 17, requests: 17, moved: 17 });
  });

  it('charges each lead once where selections overlap in opposite orders, without a deadlock', async () => {
    const tenant = await seedTenant(api.knex, { credits: 10_000 });
    const forward = leads.slice(0, 40);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => order(tenant, at % 2 ? forward : [...forward].reverse())),
    );
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    const [first, ...others] = answers.map(
      (answer) => new Map(answer.json.map((row) => [row.entityId, row.id])),
    );
    for (const other of others)
      expect(other).toEqual(
        first === undefined ? other : new Map([...other.keys()].map((lead) => [lead, first.get(lead)])),
      );
    expect(await balanceOf(tenant)).toBe(10_000 - 200);
    expect(await rowsOf(tenant)).toMatchObject({ enrichments: 40, moved: 1 });
  });

  it('answers a balance and a history that agree, newest first', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const one = await order(tenant, leads.slice(0, 2));
    await order(tenant, leads.slice(0, 3), { field: 'phones' });
    const history = await api.call<History>('GET', `${CREDITS}/history`, { key: tenant.apiKey });
    const { transactions, count } = history.json;
    expect(count).toBe(3);
    expect(transactions.map(({ type, amount }) => [type, amount])).toEqual([
      ['credit_consumed', 60],
      ['credit_consumed', 10],
      ['credit_added', 100],
    ]);
    expect(transactions[1]).toEqual({
      id: one.json[0]?.creditTransactionId,
      organizationId: tenant.orgId,
      type: 'credit_consumed',
      amount: 10,
      operationType: 'enrichment_email',
      source: null,
      referenceId: one.headers.get('location')?.split('/').at(-1),
      description: expect.any(String) as string,
      metadata: { count: 2, unitPrice: 5 },
      createdAt: one.json[0]?.createdAt,
      updatedAt: one.json[0]?.createdAt,
    });
    expect(transactions[2]).toMatchObject({ operationType: null, source: 'manual' });
    expect(await balanceOf(tenant)).toBe(30);
  });

  it('gives the pages and days of a history that are asked for', async () => {
    const tenant = await seedTenant(api.knex);
    await addTransactions(tenant, 2_500);
    const page = (query: string) =>
      api
        .call<History>('GET', `${CREDITS}/history?${query}`, { key: tenant.apiKey })
        .then(({ json }) => json);
    const all = await page('');
    expect(all.count).toBe(2_500);
    expect(new Set(all.transactions.map(({ id }) => id)).size).toBe(2_500);
    const amounts = all.transactions.map(({ amount }) => amount);
    expect(amounts).toEqual([...amounts].sort((a, b) => b - a));
    expect((await page('limit=3&offset=1998')).transactions).toEqual(all.transactions.slice(1_998, 2_001));
    expect(await page('offset=2500')).toEqual({ transactions: [], count: 0 });
    const day = await page('startDate=2026-01-01T00:00:10Z&endDate=2026-01-01T00:00:20.000Z');
    expect(day.transactions.map(({ amount }) => amount)).toEqual([
      20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10,
    ]);
    expect((await page('startDate=2026-01-02')).count).toBe(0);
    expect((await page('endDate=2025-12-31T23:59:59%2B01:00')).count).toBe(0);
  });

  it('streams 100,000 transactions within a bounded memory', async () => {
    const tenant = await seedTenant(api.knex);
    await addTransactions(tenant, 100_000);
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const usedBytes = (): number => {
      collectGarbage();
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      return arrayBuffers + heapUsed;
    };
    const before = usedBytes();
    const response = await fetch(`${api.url}${CREDITS}/history`, {
      headers: { authorization: `Bearer ${tenant.apiKey}` },
    });
    let [bytes, worst, measuredAt, tail] = [0, 0, 0, ''];
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      tail = (tail + Buffer.from(chunk).toString('latin1')).slice(-60);
      if (bytes - measuredAt < 7_000_000) continue;
      measuredAt = bytes;
      worst = Math.max(worst, usedBytes() - before);
    }
    expect(tail).toMatch(/\],"count":100000\}$/);
    expect(bytes).toBeGreaterThan(30_000_000);
    // The whole as objects would take 100 MB and more.
    expect(measuredAt).toBeGreaterThan(20_000_000);
    expect(worst).toBeLessThan(40_000_000);
  });

  it('lets readers that stand still hold no connection', async () => {
    const small = await startTestApi({ DATABASE_POOL_SIZE: '2' });
    const stop = new AbortController();
    try {
      const tenant = await seedTenant(small.knex);
      await addTransactions(tenant, 5_000, small, 'x'.repeat(2_000));
      const headers = { authorization: `Bearer ${tenant.apiKey}` };
      const read = () => fetch(`${small.url}${CREDITS}/history`, { headers, signal: stop.signal });
      const stuck = await Promise.all(Array.from({ length: 6 }, read));
      expect(stuck.map((response) => response.status)).toEqual(stuck.map(() => 200));
      const balance = await small.call('GET', `${CREDITS}/balance`, { key: tenant.apiKey });
      expect(balance.status).toBe(200);
    } finally {
      stop.abort();
      await small.close();
    }
  });

  /** Amounts 1 to n, a second apart from the first of 2026. */
  async function addTransactions(tenant: Tenant, n: number, to = api, description = ''): Promise<void> {
    await execute(
      to.knex,
      `INSERT INTO credit_transactions (id, org_id, type, amount, source, description, created_at, updated_at)
       SELECT gen_random_uuid(), :org, 'credit_added', s, 'manual', :description, t.at, t.at
       FROM generate_series(1, :n::integer) s
       CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01T00:00:00Z' + s * interval '1 second' AS at) t`,
      { org: tenant.orgId, n, description },
    );
  }
});
