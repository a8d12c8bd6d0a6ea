import { query } from '@leadwell/shared/db/database';
import { seedHit, seedLeads, seedTenant } from './support/seed';
import { startTestApi, type EnrichmentBody, type ErrorBody, type TestApi } from './support/test-api';

const BULK = '/api/v1/operations/enrichment/bulk';
const FIELDS_OF_AN_ENRICHMENT = [
  'id',
  'createdAt',
  'updatedAt',
  'entityId',
  'entityType',
  'field',
  'status',
  'error',
  'dataFound',
  'createdBy',
  'orgId',
  'globalEnrichmentId',
  'creditTransactionId',
];

describe('bulk orders', () => {
  let api: TestApi;
  let leads: string[];

  beforeAll(async () => {
    api = await startTestApi({ BATCH_SIZE: '4' });
    leads = await seedLeads(api.knex, 30);
  });
  afterAll(() => api.close());

  function manual(key: string, includedIds: string[], more: object = {}, path = BULK) {
    const body = { selection: { mode: 'manual', includedIds }, field: 'emails', ...more };
    return api.call<EnrichmentBody[]>('POST', path, { key, body });
  }

  async function count(table: string, orgId: string): Promise<number> {
    const [row] = await query<{ n: number }>(
      api.knex,
      `SELECT count(*) AS n FROM ${table} WHERE org_id = ?`,
      [orgId],
    );
    return row?.n ?? -1;
  }

  it('answers one pending enrichment per distinct lead, in selection order, with all 13 fields', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const wanted = [leads[5], leads[1], leads[9]] as string[];
    const answer = await manual(tenant.apiKey, [...wanted, wanted[0]!.toUpperCase()]);

    expect(answer.status).toBe(200);
    expect(answer.json.map((row) => row.entityId)).toEqual(wanted);
    for (const row of answer.json) {
      expect(Object.keys(row)).toEqual(FIELDS_OF_AN_ENRICHMENT);
      expect(row).toMatchObject({
        status: 'pending',
        dataFound: null,
        error: null,
        createdBy: 'tester',
        orgId: tenant.orgId,
        entityType: 'person',
      });
      expect(row.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    expect(answer.headers.get('x-credits-charged')).toBe('15');
    expect(answer.headers.get('x-credits-balance')).toBe('985');
    expect(answer.headers.get('location')).toMatch(
      /^\/api\/v1\/operations\/enrichment\/requests\/[0-9a-f-]{36}$/,
    );
  });

  it('returns what exists in place, in its batch and turn, and charges the new ones only', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const [a, b, c] = leads as [string, string, string];
    const first = await manual(tenant.apiKey, [b]);
    const second = await manual(tenant.apiKey, [a, b, c]);
    expect(second.json[1]).toEqual(first.json[0]);
    expect(second.headers.get('x-credits-charged')).toBe('10');
    const again = await manual(tenant.apiKey, [c, a, b]);
    expect(again.json.map((row) => row.id)).toEqual([2, 0, 1].map((at) => second.json[at]?.id));
    expect(again.headers.get('x-credits-charged')).toBe('0');
    expect(await count('enrichments', tenant.orgId)).toBe(3);
    const standingOf = async () =>
      query(
        api.knex,
        `SELECT e.batch_id, b.priority, b.deadline_at FROM enrichments e JOIN batches b ON b.id = e.batch_id
          WHERE e.org_id = ? ORDER BY e.id`,
        [tenant.orgId],
      );
    const standing = await standingOf();
    await manual(tenant.apiKey, [a, b, c], { priority: 'high' });
    expect(await standingOf()).toEqual(standing);
  });

  it('writes batches of the configured size in selection order, due at once, and tells the relay', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const answer = await manual(tenant.apiKey, leads.slice(0, 10), { priority: 'high' });
    const batches = await query<{ id: string; size: number; priority: number; due: boolean; hours: number }>(
      api.knex,
      `SELECT id, size, priority, next_check_at <= clock_timestamp() AS due,
              extract(epoch FROM deadline_at - created_at) / 3600 AS hours
       FROM batches WHERE org_id = ? ORDER BY id`,
      [tenant.orgId],
    );
    expect(batches.map((batch) => batch.size)).toEqual([4, 4, 2]);
    expect(batches.every((batch) => batch.due && batch.priority === 0 && batch.hours === 24)).toBe(true);
    const rows = await query<{ id: string; batch_id: string }>(
      api.knex,
      'SELECT id, batch_id FROM enrichments WHERE org_id = ?',
      [tenant.orgId],
    );
    const batchOf = new Map(rows.map((row) => [row.id, row.batch_id]));
    expect(answer.json.map((row) => batchOf.get(row.id))).toEqual(
      [0, 0, 0, 0, 1, 1, 1, 1, 2, 2].map((at) => batches[at]?.id),
    );
    expect(api.published).toContain(tenant.orgId);
  });

  it('starts a new, paid round for what failed, timed out or was cancelled, and reuses what is finished', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const selected = leads.slice(0, 5);
    const first = await manual(tenant.apiKey, selected);
    const ends = ['failed', 'timeout', 'cancelled', 'finished'];
    for (const [at, status] of ends.entries()) {
      await api.knex.raw(
        `UPDATE enrichments SET status = ?, data_found = false, ended_at = clock_timestamp() WHERE id = ?`,
        [status, first.json[at]!.id],
      );
    }
    const second = await manual(tenant.apiKey, selected);
    const isSame = second.json.map((row, at) => row.id === first.json[at]?.id);
    expect(isSame).toEqual([false, false, false, true, true]);
    expect(second.headers.get('x-credits-charged')).toBe('15');
    const third = await manual(tenant.apiKey, selected, { retryNotFound: true });
    expect(third.headers.get('x-credits-charged')).toBe('5');
    expect(third.json[3]?.status).toBe('pending');
    expect(await count('enrichments', tenant.orgId)).toBe(9);
  });

  it('selects the range of a search minus what is excluded, and replaces nothing', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const body = {
      selection: {
        mode: 'bulk',
        startIndex: 2,
        targetCount: 5,
        filters: {},
        excludedIds: [leads[3]!.toUpperCase(), '00000000-0000-4000-8000-000000000000'],
      },
      field: 'phones',
    };
    const answer = await api.call<EnrichmentBody[]>('POST', BULK, { key: tenant.apiKey, body });
    expect(answer.json.map((row) => row.entityId)).toEqual([2, 4, 5, 6].map((at) => leads[at]));
    expect(answer.headers.get('x-credits-charged')).toBe('80');
    const past = { ...body, selection: { ...body.selection, startIndex: 500 } };
    const nothing = await api.call('POST', BULK, { key: tenant.apiKey, body: past });
    expect([nothing.status, nothing.json]).toEqual([200, []]);
    expect(nothing.headers.get('x-credits-charged')).toBe('0');
  });

  it('answers at once and free what a provider of the waterfall has freshly answered, the earliest first', async () => {
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const [first, second] = api.waterfall.emails;
    const asked = leads.slice(20, 24) as [string, string, string, string];
    const formOf = (provider: typeof first) =>
      provider!.adapter.fields.emails!.forms[0] as 'name_domain' | 'linkedin';
    const stored = { provider: first!.name, baseUrl: first!.baseUrl, form: formOf(first) };
    const later = await seedHit(api.knex, { ...stored, leadId: asked[0], value: 'later@x.example' });
    const earlier = await seedHit(api.knex, {
      leadId: asked[0],
      provider: second!.name,
      baseUrl: second!.baseUrl,
      form: formOf(second),
      value: 'earlier@x.example',
      answeredAt: new Date(Date.now() - 60_000),
    });
    await seedHit(api.knex, { ...stored, leadId: asked[1], value: 'old@x.example', expiresAt: new Date(0) });
    await seedHit(api.knex, {
      ...stored,
      leadId: asked[2],
      value: 'else@x.example',
      baseUrl: 'https://else.example',
    });
    await seedHit(api.knex, { ...stored, leadId: asked[3], value: 'not@x.example', scope: tenant.orgId });

    const answer = await manual(tenant.apiKey, asked);
    expect(answer.json.map((row) => row.status)).toEqual(['finished', 'pending', 'pending', 'pending']);
    expect(answer.json[0]).toMatchObject({
      dataFound: true,
      globalEnrichmentId: earlier,
      creditTransactionId: null,
    });
    expect(later).not.toBe(earlier);
    expect(answer.headers.get('x-credits-charged')).toBe('15');
    const values = await query<{ value: string }>(
      api.knex,
      'SELECT value FROM lead_values WHERE org_id = ? ORDER BY value',
      [tenant.orgId],
    );
    expect(values.map(({ value }) => value)).toEqual(['earlier@x.example', 'later@x.example']);
  });

  it('gives what several providers agree on with a raised confidence, and tells who said it', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const [leadId = ''] = await seedLeads(api.knex, 1);
    const providers = api.waterfall.emails.slice(0, 2);
    for (const { name, baseUrl, adapter } of providers) {
      const form = adapter.fields.emails!.forms[0] as 'name_domain' | 'linkedin';
      await seedHit(api.knex, { leadId, provider: name, baseUrl, form, value: 'ada@x.example' });
    }
    const [first, second] = providers.map(({ name }) => name);
    const answer = await manual(tenant.apiKey, [leadId]);
    expect(answer.headers.get('x-credits-charged')).toBe('0');

    const results = await api.call<Record<string, unknown>>(
      'GET',
      `${answer.headers.get('location')}/results`,
      { key: tenant.apiKey },
    );
    expect(JSON.parse(results.text)).toMatchObject({
      ...{ value: 'ada@x.example', provider: first, verdict: 'deliverable', confidence: 0.95 },
      ...{ agreedBy: [second], flags: [], foundAt: expect.stringMatching(/T.*Z$/) as string },
    });
    const path = `/api/v1/operations/enrichment/${leadId}/attempts?field=emails`;
    const attempts = await api.call<{ attempts: { provider: string }[] }>('GET', path, {
      key: tenant.apiKey,
    });
    const said = [{ value: 'ada@x.example', verdict: 'deliverable', confidence: 0.9 }];
    expect(attempts.json.attempts.sort((a) => (a.provider === first ? -1 : 1))).toMatchObject([
      { provider: first, outcome: 'hit', found: said },
      { provider: second, outcome: 'hit', found: said },
    ]);
  });

  it('names every id that is no visible lead, another organisation’s exactly as an unknown one', async () => {
    const [tenant, other] = [
      await seedTenant(api.knex, { credits: 100 }),
      await seedTenant(api.knex, { credits: 100 }),
    ];
    const [theirs] = (await seedLeads(api.knex, 1, other.orgId)) as [string];
    const unknown = '0193c0de-0000-7000-8000-000000000000';
    const answer = await manual(tenant.apiKey, [leads[0]!, theirs, leads[1]!, unknown]);
    const { error } = answer.json as unknown as ErrorBody;
    expect([answer.status, error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(error.details).toEqual([
      { path: 'selection.includedIds[1]', message: `${theirs} is no lead that you can see` },
      { path: 'selection.includedIds[3]', message: `${unknown} is no lead that you can see` },
    ]);
    expect(await count('requests', tenant.orgId)).toBe(0);
    expect((await manual(other.apiKey, [theirs])).status).toBe(200);
  });

  it('takes a batch of person ids and a single person by the same rules', async () => {
    const tenant = await seedTenant(api.knex, { credits: 100 });
    const batch = await api.call<EnrichmentBody[]>('POST', '/api/v1/operations/enrichment/batch', {
      key: tenant.apiKey,
      body: { personIds: [leads[2], leads[1], leads[2]], field: 'emails' },
    });
    expect(batch.json.map((row) => row.entityId)).toEqual([leads[2], leads[1]]);
    const path = `/api/v1/operations/enrichment/${leads[2]!.toUpperCase()}?field=emails`;
    const one = await api.call<EnrichmentBody>('POST', path, { key: tenant.apiKey });
    expect(one.json).toEqual(batch.json[0]);
    expect(one.headers.get('x-credits-charged')).toBe('0');
    expect((await api.call('GET', path, { key: tenant.apiKey })).json).toEqual(batch.json[0]);
    const unknown = '/api/v1/operations/enrichment/0193c0de-0000-7000-8000-000000000000?field=emails';
    expect((await api.call('POST', unknown, { key: tenant.apiKey })).status).toBe(404);
    expect((await api.call('GET', unknown, { key: tenant.apiKey })).status).toBe(404);
  });
});

describe('where enrichments cost nothing', () => {
  it('accepts without a transaction', async () => {
    const api = await startTestApi({ EMAIL_CREDITS: '0' });
    try {
      const leads = await seedLeads(api.knex, 2);
      const tenant = await seedTenant(api.knex);
      const body = { selection: { mode: 'manual', includedIds: leads }, field: 'emails' };
      const answer = await api.call<EnrichmentBody[]>('POST', BULK, { key: tenant.apiKey, body });
      expect(answer.json.map((row) => [row.status, row.creditTransactionId])).toEqual([
        ['pending', null],
        ['pending', null],
      ]);
      expect(await query(api.knex, 'SELECT id FROM credit_transactions')).toEqual([]);
    } finally {
      await api.close();
    }
  });
});

describe('where results are not shared', () => {
  it('lets a stored answer serve its own organisation alone', async () => {
    const api = await startTestApi({ SHARE_RESULTS: 'off' });
    try {
      const [lead] = (await seedLeads(api.knex, 1)) as [string];
      const owner = await seedTenant(api.knex, { credits: 10 });
      const other = await seedTenant(api.knex, { credits: 10 });
      const provider = api.waterfall.emails[0]!;
      const form = provider.adapter.fields.emails!.forms[0] as 'name_domain';
      await seedHit(api.knex, {
        leadId: lead,
        provider: provider.name,
        baseUrl: provider.baseUrl,
        form,
        value: 'a@b.example',
        scope: owner.orgId,
      });
      const path = `/api/v1/operations/enrichment/${lead}?field=emails`;
      const status = async (key: string) =>
        (await api.call<EnrichmentBody>('POST', path, { key })).json.status;
      expect([await status(owner.apiKey), await status(other.apiKey)]).toEqual(['finished', 'pending']);
    } finally {
      await api.close();
    }
  });
});
