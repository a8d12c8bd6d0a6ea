import { execute } from '@leadwell/shared/db/database';
import { seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type EnrichmentBody, type TestApi } from './support/test-api';

const ENRICHMENT = '/api/v1/operations/enrichment';

interface RequestBody {
  id: string;
  [field: string]: unknown;
}

describe('reading what was ordered', () => {
  let api: TestApi;
  let leads: string[];

  beforeAll(async () => {
    api = await startTestApi();
    leads = await seedLeads(api.knex, 10);
  });
  afterAll(() => api.close());

  async function order(tenant: Tenant, ids: string[], field = 'emails') {
    const body = { selection: { mode: 'manual', includedIds: ids }, field };
    const answer = await api.call<EnrichmentBody[]>('POST', `${ENRICHMENT}/bulk`, {
      key: tenant.apiKey,
      body,
    });
    expect(answer.status).toBe(200);
    return { rows: answer.json, path: answer.headers.get('location')! };
  }

  function end(id: string, status: string, found: boolean) {
    return execute(
      api.knex,
      `UPDATE enrichments SET status = :status, data_found = :found, ended_at = clock_timestamp(), updated_at = clock_timestamp(),
         lookup_id = CASE WHEN :found THEN gen_random_uuid() END WHERE id = :id`,
      { id, status, found },
    );
  }

  function addValue(
    tenant: Tenant,
    leadId: string,
    value: string,
    kind = 'email',
    confidence: number | null = null,
  ) {
    return execute(
      api.knex,
      `INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, confidence, provider, enrichment_id, found_at)
       VALUES (:org, :leadId, :kind, :value, 'deliverable', :confidence, 'hunter', gen_random_uuid(), clock_timestamp())`,
      { org: tenant.orgId, leadId, value, kind, confidence },
    );
  }

  it('answers tasks in their order, leaves out what does not exist, and takes company and summary', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const { rows } = await order(tenant, leads.slice(0, 3));
    const tasks = [
      { entityId: leads[2]!.toUpperCase(), field: 'emails' },
      { entityId: leads[5], field: 'emails' },
      { entityId: leads[0], field: 'phones' },
      { entityId: leads[0], field: 'summary' },
      { entityId: leads[0], field: 'emails', entityType: 'company' },
      { entityId: leads[0], field: 'emails', entityType: 'person' },
    ];
    const ask = (headers: Record<string, string> = {}) =>
      api.call<EnrichmentBody[]>('POST', `${ENRICHMENT}/batch/query`, {
        key: tenant.apiKey,
        body: { tasks },
        headers,
      });
    const answer = await ask();
    expect(answer.json).toEqual([rows[2], rows[0]]);

    const etag = answer.headers.get('etag')!;
    for (const sent of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const same = await ask({ 'if-none-match': sent });
      expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect((await ask({ 'if-none-match': '"other"' })).status).toBe(200);
    await end(rows[0]!.id, 'finished', false);
    const changed = await ask({ 'if-none-match': etag });
    expect([changed.status, changed.json[1]?.status]).toEqual([200, 'finished']);
  });

  it('counts what became of a request’s rows, its own and reused ones', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    await order(tenant, leads.slice(0, 1));
    const { rows, path } = await order(tenant, leads.slice(0, 7));
    const started = await api.call<RequestBody>('GET', path, { key: tenant.apiKey });
    expect(started.json).toMatchObject({
      total: 7,
      reused: 1,
      free: 0,
      pending: 7,
      found: 0,
      creditsCharged: 30,
      creditsRefunded: 0,
      startedAt: null,
      finishedAt: null,
      estimatedEndAt: null,
    });
    const ends: [string, boolean][] = [
      ['finished', true],
      ['finished', false],
      ['failed', false],
      ['timeout', false],
      ['cancelled', false],
    ];
    for (const [at, [status, found]] of ends.entries()) await end(rows[at]!.id, status, found);
    await execute(
      api.knex,
      `UPDATE batches SET started_at = clock_timestamp() - interval '10 s' WHERE org_id = ?`,
      [tenant.orgId],
    );
    const beforeMs = Date.now();
    const halfway = await api.call<RequestBody>('GET', path, { key: tenant.apiKey });
    expect(halfway.json).toMatchObject({
      pending: 2,
      found: 1,
      notFound: 1,
      failed: 1,
      timeout: 1,
      cancelled: 1,
      finishedAt: null,
    });
    // Four of its own have taken the time since it was started, and two are left.
    const startedMs = Date.parse(halfway.json.startedAt as string);
    const estimateOf = (readMs: number): number => readMs + (readMs - startedMs) / 2;
    const estimatedMs = Date.parse(halfway.json.estimatedEndAt as string);
    expect(estimatedMs).toBeGreaterThanOrEqual(estimateOf(beforeMs) - 5);
    expect(estimatedMs).toBeLessThanOrEqual(estimateOf(Date.now()) + 5);

    for (const at of [5, 6]) await end(rows[at]!.id, 'finished', true);
    const ended = await api.call<RequestBody>('GET', path, { key: tenant.apiKey });
    expect(ended.json).toMatchObject({ pending: 0, found: 3, estimatedEndAt: null });
    expect(Date.parse(ended.json.finishedAt as string)).toBeGreaterThan(
      Date.parse(ended.json.startedAt as string),
    );
  });

  it('lists an organisation’s requests, newest first, in pages', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const paths: string[] = [];
    for (const lead of leads.slice(0, 3)) paths.unshift((await order(tenant, [lead])).path);
    const page = async (query: string) =>
      (
        await api.call<{ requests: RequestBody[]; count: number }>('GET', `${ENRICHMENT}/requests${query}`, {
          key: tenant.apiKey,
        })
      ).json;
    const ids = paths.map((path) => path.split('/').at(-1));
    expect((await page('')).requests.map(({ id }) => id)).toEqual(ids);
    expect((await page('?limit=1&offset=1')).requests.map(({ id }) => id)).toEqual([ids[1]]);
    expect(await page('?offset=3')).toEqual({ requests: [], count: 0 });
  });

  it('gives results in selection order, a line a value, as JSON lines or CSV without a formula', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const other = await seedTenant(api.knex);
    const { rows, path } = await order(tenant, [leads[4], leads[3]] as string[]);
    await end(rows[1]!.id, 'finished', true);
    await execute(api.knex, `UPDATE people SET full_name = '=HYPERLINK("x"), Ada' WHERE id = ?`, [leads[4]]);
    await addValue(tenant, leads[3]!, 'second@x.example', 'email', 0.5);
    await addValue(tenant, leads[3]!, 'first@x.example', 'email', 0.95);
    await execute(
      api.knex,
      `UPDATE lead_values SET flags = '{other_domain,role}', findings = '[{"provider":"hunter"},{"provider":"=lusha"}]'
        WHERE org_id = ? AND value = 'first@x.example'`,
      [tenant.orgId],
    );
    await addValue(tenant, leads[3]!, '+4930123456', 'phone');
    await addValue(other, leads[3]!, 'theirs@x.example');

    const lines = await api.call('GET', `${path}/results`, { key: tenant.apiKey });
    expect(lines.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const parsed = lines.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(parsed).toEqual([
      {
        leadId: leads[4],
        name: '=HYPERLINK("x"), Ada',
        status: 'pending',
        field: 'emails',
        value: null,
        provider: null,
        verdict: null,
        confidence: null,
        lineType: null,
        flags: [],
        foundAt: null,
        agreedBy: [],
      },
      {
        leadId: leads[3],
        name: expect.any(String) as string,
        status: 'finished',
        field: 'emails',
        value: 'first@x.example',
        provider: 'hunter',
        verdict: 'deliverable',
        confidence: 0.95,
        lineType: null,
        flags: ['other_domain', 'role'],
        foundAt: expect.stringMatching(/T.*Z$/) as string,
        agreedBy: ['=lusha'],
      },
      expect.objectContaining({ leadId: leads[3], value: 'second@x.example' }),
    ]);

    const csv = await api.call('GET', `${path}/results`, {
      key: tenant.apiKey,
      headers: { accept: 'text/csv' },
    });
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [header, guarded, found] = csv.text.split('\r\n');
    expect(header).toBe(
      'leadId,name,status,field,value,provider,verdict,confidence,lineType,flags,foundAt,agreedBy',
    );
    expect(guarded).toBe(`${leads[4]},"'=HYPERLINK(""x""), Ada",pending,emails,,,,,,,,`);
    expect(found).toMatch(
      /,finished,emails,first@x\.example,hunter,deliverable,0\.95,,other_domain;role,[^,]+Z,'=lusha$/,
    );
  });

  it('gives results of a thousand leads whole, and of an empty request a header alone', async () => {
    const tenant = await seedTenant(api.knex, { credits: 10_000 });
    const many = await seedLeads(api.knex, 1_000);
    const { path } = await order(tenant, many);
    const lines = await api.call('GET', `${path}/results`, { key: tenant.apiKey });
    const ids = lines.text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { leadId: string }).leadId);
    expect(ids).toEqual(many);

    const selection = { mode: 'bulk', startIndex: 100_000, targetCount: 5, filters: {} };
    const empty = await api.call('POST', `${ENRICHMENT}/bulk`, {
      key: tenant.apiKey,
      body: { selection, field: 'emails' },
    });
    const results = `${empty.headers.get('location')}/results`;
    expect((await api.call('GET', results, { key: tenant.apiKey })).text).toBe('');
    expect(
      (await api.call('GET', results, { key: tenant.apiKey, headers: { accept: 'text/csv' } })).text,
    ).toMatch(/^leadId,.*\r\n$/);
  });

  it('tells which providers were tried for a lead', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const { rows } = await order(tenant, [leads[0]!]);
    await execute(
      api.knex,
      `INSERT INTO attempts (enrichment_id, provider, lookup_id, shared, outcome, duration_ms, provider_cost, stated_cost, started_at, ended_at)
       VALUES (:id, 'hunter', gen_random_uuid(), false, 'miss', 120, 0.5, 0.75, clock_timestamp(), clock_timestamp())`,
      { id: rows[0]!.id },
    );
    const answer = await api.call('GET', `${ENRICHMENT}/${leads[0]}/attempts?field=emails`, {
      key: tenant.apiKey,
    });
    expect(answer.json).toMatchObject({
      enrichmentId: rows[0]!.id,
      count: 1,
      attempts: [
        {
          provider: 'hunter',
          outcome: 'miss',
          latencyMs: 120,
          providerCost: 0.5,
          statedCost: 0.75,
          shared: false,
          error: null,
        },
      ],
    });
  });
});
