/** What a key, and an address without one, may ask of one API process. */
import { createApiKey } from '@leadwell/shared/domain/api-key';
import { query } from '@leadwell/shared/db/database';
import { seedLeads, seedTenant } from './support/seed';
import { startTestApi, type Answer, type ErrorBody, type TestApi } from './support/test-api';

const BALANCE = '/api/v1/operations/credits/balance';
const BULK = '/api/v1/operations/enrichment/bulk';
const HOUR = '3600';

const statusOf = (answers: Answer<unknown>[]): number[] => answers.map((answer) => answer.status);

describe('the rate limit of a key', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ RATE_LIMIT_CALLS: '5', RATE_LIMIT_SECONDS: HOUR });
  });
  afterAll(() => api.close());

  it('tells what is left with every answer, and refuses what is beyond it until the window ends', async () => {
    const { apiKey: key } = await seedTenant(api.knex);
    const answers: Answer<ErrorBody>[] = [];
    for (const path of [BALANCE, '/api/v1/nowhere', BALANCE, BALANCE, BALANCE, BALANCE]) {
      answers.push(await api.call('GET', path, { key }));
    }
    expect(statusOf(answers)).toEqual([200, 404, 200, 200, 200, 429]);
    expect(answers.map(({ headers }) => headers.get('ratelimit-policy'))).toEqual(
      answers.map(() => '"key";q=5;w=3600'),
    );
    const left = answers.map(
      ({ headers }) => /^"key";r=(\d+);t=(\d+)$/.exec(headers.get('ratelimit') ?? '')?.[1],
    );
    expect(left).toEqual(['4', '3', '2', '1', '0', '0']);
    const refused = answers[5]!;
    expect(refused.json.error).toMatchObject({ code: 'RATE_LIMITED', details: [] });
    const waitSeconds = Number(refused.headers.get('retry-after'));
    expect(waitSeconds).toBeGreaterThan(3_000);
    expect(waitSeconds).toBeLessThanOrEqual(3_600);
  });

  it('touches no other key, not even one of the same organisation', async () => {
    const tenant = await seedTenant(api.knex);
    const other = createApiKey();
    await query(
      api.knex,
      `INSERT INTO api_keys (id, org_id, user_name, scopes, key_hash, key_prefix)
       SELECT gen_random_uuid(), org_id, user_name, scopes, ?, ? FROM api_keys WHERE id = ?`,
      [other.hash, other.prefix, tenant.keyId],
    );
    const many = Array.from({ length: 12 }, () => api.call('GET', BALANCE, { key: tenant.apiKey }));
    expect(statusOf(await Promise.all(many)).filter((status) => status === 429)).toHaveLength(7);
    expect((await api.call('GET', BALANCE, { key: other.key })).status).toBe(200);
  });

  it('writes nothing for a refused order and leaves its Idempotency-Key free', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const includedIds = await seedLeads(api.knex, 2);
    const order = {
      key: tenant.apiKey,
      headers: { 'idempotency-key': 'once' },
      body: { selection: { mode: 'manual', includedIds }, field: 'emails' },
    };
    for (let i = 0; i < 5; i++) await api.call('GET', BALANCE, { key: tenant.apiKey });
    expect((await api.call('POST', BULK, order)).status).toBe(429);
    const [written] = await query(
      api.knex,
      `SELECT (SELECT count(*) FROM requests WHERE org_id = :orgId) AS requests,
              (SELECT count(*) FROM enrichments WHERE org_id = :orgId) AS rows,
              (SELECT count(*) FROM idempotency_keys WHERE org_id = :orgId) AS keys,
              (SELECT balance FROM credit_accounts WHERE org_id = :orgId) AS balance`,
      { orgId: tenant.orgId },
    );
    expect(written).toEqual({ requests: 0, rows: 0, keys: 0, balance: 100 });
    // Another process counts for itself: the very same call is a new one there, and no replay.
    const elsewhere = await startTestApi({}, undefined, api.databaseUrl);
    try {
      const answer = await elsewhere.call('POST', BULK, order);
      expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([200, null]);
    } finally {
      await elsewhere.close();
    }
  });
});

describe('without a rate limit', () => {
  it('limits nothing and promises nothing', async () => {
    const api = await startTestApi({ RATE_LIMIT_CALLS: '0', AUTH_FAILURES_PER_MINUTE: '0' });
    try {
      const { apiKey: key } = await seedTenant(api.knex);
      const answers = await Promise.all(Array.from({ length: 40 }, () => api.call('GET', BALANCE, { key })));
      expect(new Set(statusOf(answers))).toEqual(new Set([200]));
      expect(answers.some(({ headers }) => headers.has('ratelimit'))).toBe(false);
      const failures = Array.from({ length: 40 }, () => api.call('GET', BALANCE));
      expect(new Set(statusOf(await Promise.all(failures)))).toEqual(new Set([401]));
    } finally {
      await api.close();
    }
  });
});

describe('the limit of an address', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({
      AUTH_FAILURES_PER_MINUTE: '4',
      TRUSTED_PROXIES: '1',
      OPS_PASSWORD: 'correct horse',
    });
  });
  afterAll(() => api.close());

  const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

  async function fail(address: string, times: number): Promise<number[]> {
    const answers: Answer<unknown>[] = [];
    for (let i = 0; i < times; i++) {
      const key = i % 2 === 0 ? createApiKey().key : 'nonsense';
      answers.push(await api.call('GET', BALANCE, { key, headers: from(address) }));
    }
    return statusOf(answers);
  }

  it('makes an address without a valid key wait, and no other address', async () => {
    expect(await fail('192.0.2.1', 6)).toEqual([401, 401, 401, 401, 429, 429]);
    expect(await fail('192.0.2.2', 1)).toEqual([401]);
    const refused = await api.call<ErrorBody>('GET', BALANCE, { headers: from('192.0.2.1') });
    expect(refused.json.error.code).toBe('RATE_LIMITED');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('believes the address that its own proxy saw, and none that the client wrote before it', async () => {
    for (let i = 0; i < 4; i++) await fail(`10.0.0.${i}, 192.0.2.3`, 1);
    expect(await fail('10.0.0.9, 192.0.2.3', 1)).toEqual([429]);
  });

  it('goes on serving a key that it served before, also from that address, until the key is revoked', async () => {
    const tenant = await seedTenant(api.knex);
    const call = () => api.call('GET', BALANCE, { key: tenant.apiKey, headers: from('192.0.2.4') });
    expect((await call()).status).toBe(200);
    expect((await fail('192.0.2.4', 5)).at(-1)).toBe(429);
    expect((await call()).status).toBe(200);
    await query(api.knex, 'UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = ?', [tenant.keyId]);
    expect([(await call()).status, (await call()).status]).toEqual([401, 429]);
  });

  it('makes whoever tries passwords of the operators’ page wait, the right one included', async () => {
    const look = (password: string) =>
      api.call('GET', '/ops/queues', {
        headers: {
          ...from('192.0.2.5'),
          authorization: `Basic ${Buffer.from(`ops:${password}`).toString('base64')}`,
        },
      });
    expect((await look('correct horse')).status).toBe(200);
    for (let i = 0; i < 4; i++) expect((await look(`guess ${i}`)).status).toBe(401);
    expect((await look('correct horse')).status).toBe(429);
  });
});
