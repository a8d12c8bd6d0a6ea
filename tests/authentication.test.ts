import { createApiKey } from '@leadwell/shared/domain/api-key';
import { seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type ErrorBody, type TestApi } from './support/test-api';

const BALANCE = '/api/v1/operations/credits/balance';
const ENRICHMENT = '/api/v1/operations/enrichment';

describe('authentication', () => {
  let api: TestApi;
  let tenant: Tenant;

  beforeAll(async () => {
    api = await startTestApi();
    tenant = await seedTenant(api.knex, { credits: 100 });
  });
  afterAll(() => api.close());

  it('refuses missing, malformed, unknown, expired and revoked keys with one body', async () => {
    const expired = await seedTenant(api.knex, { expiresAt: new Date(Date.now() - 1_000) });
    const revoked = await seedTenant(api.knex);
    await api.knex.raw('UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = ?', [revoked.keyId]);
    const headers: Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: tenant.apiKey },
      { authorization: `Basic ${tenant.apiKey}` },
      { authorization: 'Bearer' },
      { authorization: `Bearer ${tenant.apiKey}x` },
      { authorization: `Bearer ${tenant.apiKey.slice(0, -1)}` },
      { authorization: `Bearer ${createApiKey().key}` },
      { authorization: `Bearer ${expired.apiKey}` },
      { authorization: `Bearer ${revoked.apiKey}` },
      { authorization: `Bearer ${"' OR 1=1 --"}` },
    ];
    const answers = await Promise.all(
      headers.map((sent) => api.call('GET', BALANCE, { headers: { ...sent, 'x-request-id': 'same' } })),
    );
    expect(answers.map((answer) => answer.status)).toEqual(headers.map(() => 401));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect((answers[0]?.json as ErrorBody).error.code).toBe('UNAUTHORIZED');
  });

  it('takes a refusal as long without a query as with one', async () => {
    const timeOf = async (headers: Record<string, string>): Promise<number> => {
      const startedAt = performance.now();
      await api.call('GET', BALANCE, { headers });
      return performance.now() - startedAt;
    };
    const unknown = { authorization: `Bearer ${createApiKey().key}` };
    await timeOf(unknown);
    expect(await timeOf({})).toBeGreaterThan(45);
    expect(await timeOf(unknown)).toBeGreaterThan(45);
    expect(await timeOf({ authorization: 'Bearer nonsense' })).toBeGreaterThan(45);
  });

  it('tells browsers with every answer, refusals too, to keep and frame nothing of it', async () => {
    for (const key of [tenant.apiKey, 'nonsense']) {
      const { headers } = await api.call('GET', BALANCE, { key });
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('strict-transport-security')).toContain('max-age');
      expect(headers.get('cache-control')).toBe('private, no-cache');
      expect([headers.get('x-powered-by'), headers.get('access-control-allow-origin')]).toEqual([null, null]);
    }
  });

  it('refuses before it looks at the path or the body', async () => {
    expect((await api.call('GET', '/api/v1/nowhere')).status).toBe(401);
    expect((await api.call('POST', `${ENRICHMENT}/bulk`, { text: '{' })).status).toBe(401);
  });

  it('lets a key do what its scopes say and nothing else', async () => {
    const reader = await seedTenant(api.knex, { scopes: ['read'], credits: 10 });
    const spender = await seedTenant(api.knex, { scopes: ['enrich'], credits: 10 });
    const [lead] = (await seedLeads(api.knex, 1)) as [string];
    const body = { selection: { mode: 'manual', includedIds: [lead] }, field: 'emails' };
    const status = async (method: string, path: string, key: string, sent?: object) =>
      (await api.call(method, path, { key, ...(sent && { body: sent }) })).status;
    const query = { tasks: [{ entityId: lead, field: 'emails' }] };

    for (const path of [`${ENRICHMENT}/bulk`, `${ENRICHMENT}/batch`, `${ENRICHMENT}/${lead}`]) {
      expect(await status('POST', path, reader.apiKey, body)).toBe(403);
    }
    expect(await status('POST', `${ENRICHMENT}/bulk?dryRun=true`, reader.apiKey, body)).toBe(200);
    expect(await status('POST', `${ENRICHMENT}/batch/query`, reader.apiKey, query)).toBe(200);
    expect(await status('GET', BALANCE, reader.apiKey)).toBe(200);
    expect(await status('POST', `${ENRICHMENT}/bulk`, spender.apiKey, body)).toBe(200);
    expect(await status('POST', `${ENRICHMENT}/bulk?dryRun=true`, spender.apiKey, body)).toBe(403);
    expect(await status('POST', `${ENRICHMENT}/batch/query`, spender.apiKey, query)).toBe(403);
    for (const path of [BALANCE, `${ENRICHMENT}/requests`, `${ENRICHMENT}/${lead}?field=emails`]) {
      expect(await status('GET', path, spender.apiKey)).toBe(403);
    }
  });
});

describe('tenancy', () => {
  it('answers another organisation’s ids exactly as unknown ones, and changes none of its rows', async () => {
    const api = await startTestApi();
    try {
      const [owner, stranger] = [
        await seedTenant(api.knex, { credits: 100 }),
        await seedTenant(api.knex, { credits: 100 }),
      ];
      const [lead] = (await seedLeads(api.knex, 1, owner.orgId)) as [string];
      const own = await api.call('POST', `${ENRICHMENT}/${lead}?field=emails`, { key: owner.apiKey });
      const request = own.headers.get('location')!;
      const unknownId = '0193c0de-0000-7000-8000-000000000000';
      const pathsOf = (leadId: string, requestPath: string): [string, string, object?][] => [
        ['GET', `${ENRICHMENT}/${leadId}?field=emails`],
        ['POST', `${ENRICHMENT}/${leadId}?field=emails`],
        ['GET', `${ENRICHMENT}/${leadId}/attempts?field=emails`],
        ['GET', requestPath],
        ['GET', `${requestPath}/results`],
        ['GET', `/api/v1/entities/prospects/person/${leadId}`],
        [
          'POST',
          `${ENRICHMENT}/bulk`,
          { selection: { mode: 'manual', includedIds: [leadId] }, field: 'emails' },
        ],
        ['POST', `${ENRICHMENT}/batch/query`, { tasks: [{ entityId: leadId, field: 'emails' }] }],
        ['POST', `${ENRICHMENT}/batch`, { personIds: [leadId], field: 'emails' }],
      ];
      const unknownPaths = pathsOf(unknownId, `${ENRICHMENT}/requests/${unknownId}`);
      for (const [at, [method, path, body]] of pathsOf(lead, request).entries()) {
        const ask = (toPath: string, sent?: object) =>
          api.call(method, toPath, {
            key: stranger.apiKey,
            headers: { 'x-request-id': 'same', 'x-org-id': owner.orgId },
            ...(sent && { body: sent }),
          });
        const theirs = await ask(path, body);
        const unknown = await ask(unknownPaths[at]![1], unknownPaths[at]![2]);
        expect([theirs.status, theirs.text.replaceAll(lead, '-')]).toEqual([
          unknown.status,
          unknown.text.replaceAll(unknownId, '-'),
        ]);
      }
      const { rows } = await api.knex.raw<{ rows: unknown[] }>(
        'SELECT id FROM enrichments UNION ALL SELECT id FROM requests',
      );
      expect(rows).toHaveLength(2);
    } finally {
      await api.close();
    }
  });
});
