/** What a client of the API sees of suppressed and erased people. The worker's side is in worker/src/work/worker.test.ts. */
import { hashSuppressible, type SuppressibleKind } from '@leadwell/shared/domain/suppression';
import { execute, query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { insertSuppressions, removeSuppression } from '@leadwell/shared/repositories/suppressions';
import { erasePerson } from '@leadwell/shared/suppression/erase-person';
import { readBalance } from '@leadwell/shared/testing/seed';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { seedHit, seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type EnrichmentBody, type ErrorBody, type TestApi } from './support/test-api';

let api: TestApi;
let tenant: Tenant;
let other: Tenant;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await seedTenant(api.knex, { credits: 100 });
  other = await seedTenant(api.knex, { credits: 100 });
});
afterEach(async () => expect((await audit(api.knex)).ok).toBe(true));

const BULK = '/api/v1/operations/enrichment/bulk';

async function order(leadIds: string[], of: Tenant = tenant, path = BULK): Promise<EnrichmentBody[]> {
  const body = { field: 'emails', selection: { mode: 'manual', includedIds: leadIds } };
  const answer = await api.call<EnrichmentBody[]>('POST', path, { key: of.apiKey, body });
  expect(answer.status).toBe(200);
  return answer.json;
}

async function readProfile(leadId: string): Promise<{ linkedin: string; domain: string }> {
  const [lead] = await query<{ linkedin: string; domain: string }>(
    api.knex,
    'SELECT linkedin_url AS linkedin, company_domain AS domain FROM people WHERE id = ?',
    [leadId],
  );
  if (!lead) throw new Error('The lead is gone.');
  return lead;
}

async function suppress(
  orgId: string | null,
  kind: SuppressibleKind,
  value: string,
): Promise<() => Promise<boolean>> {
  const entry = hashSuppressible(kind, value);
  if (!entry) throw new Error(`${value} is no ${kind}.`);
  const origin = { source: 'operator' as const, reason: '', createdBy: 'test', erasureId: null };
  await insertSuppressions(api.knex, [{ ...entry, orgId }], origin);
  return () => removeSuppression(api.knex, { orgId, hash: entry.hash });
}

const statuses = (rows: EnrichmentBody[]): string[] => rows.map(({ status }) => status);

describe('an order', () => {
  it('answers a suppressed lead as failed and free, in its place, before anything is debited', async () => {
    const leadIds = await seedLeads(api.knex, 3);
    await suppress(tenant.orgId, 'linkedin', (await readProfile(leadIds[1] as string)).linkedin);
    const rows = await order(leadIds);
    expect(rows.map(({ entityId }) => entityId)).toEqual(leadIds);
    expect(statuses(rows)).toEqual(['pending', 'failed', 'pending']);
    expect(rows[1]).toMatchObject({ dataFound: false, creditTransactionId: null, globalEnrichmentId: null });
    expect(rows[1]?.error).toMatch(/suppression list.*removed by whoever runs this service/);
    expect(await readBalance(api.knex, tenant.orgId)).toBe(90);
  });

  it('can be paid by whoever has no credits where everybody in it is suppressed', async () => {
    const poor = await seedTenant(api.knex);
    const leadIds = await seedLeads(api.knex, 1);
    await suppress(null, 'domain', (await readProfile(leadIds[0] as string)).domain);
    expect(statuses(await order(leadIds, poor))).toEqual(['failed']);
    expect(api.published).not.toContain(poor.orgId);
  });

  it('returns the same row while the entry stands, and begins a new round when it is lifted', async () => {
    const [leadId = ''] = await seedLeads(api.knex, 1);
    const lift = await suppress(tenant.orgId, 'linkedin', (await readProfile(leadId)).linkedin);
    const [first] = await order([leadId]);
    expect(await order([leadId])).toEqual([first]);
    expect(await lift()).toBe(true);
    const [round] = await order([leadId]);
    expect(round).toMatchObject({ status: 'pending' });
    expect(round?.id).not.toBe(first?.id);
    expect(await readBalance(api.knex, tenant.orgId)).toBe(95);
  });

  it('is not touched by another organisation’s list, and by nobody’s list where it is enriched already', async () => {
    const [leadId = ''] = await seedLeads(api.knex, 1);
    const { linkedin } = await readProfile(leadId);
    await suppress(other.orgId, 'linkedin', linkedin);
    const mine = await order([leadId]);
    expect(statuses(mine)).toEqual(['pending']);
    expect(statuses(await order([leadId], other))).toEqual(['failed']);
    await suppress(null, 'linkedin', linkedin);
    expect(await order([leadId])).toEqual(mine);
  });

  it.each([
    ['e-mail', 'email', 'ann@mail.example'],
    ['domain of an e-mail', 'domain', 'mail.example'],
    ['telephone', 'phone', '0049 (30) 555-0101'],
  ] as const)('knows a lead by its %s', async (_, kind, value) => {
    const [leadId = ''] = await seedLeads(api.knex, 1);
    await execute(
      api.knex,
      `UPDATE people SET emails = '{x@b.example,ann@mail.example}', phones = '{"+49305550101 x12"}' WHERE id = ?`,
      [leadId],
    );
    const lift = await suppress(tenant.orgId, kind, value);
    expect(statuses(await order([leadId]))).toEqual(['failed']);
    await lift();
  });

  it('gives no stored answer that holds a suppressed value', async () => {
    const leadIds = await seedLeads(api.knex, 2);
    const [provider] = api.waterfall.emails;
    if (!provider) throw new Error('The waterfall is empty.');
    for (const [i, leadId] of leadIds.entries())
      await seedHit(api.knex, {
        leadId,
        provider: provider.name,
        baseUrl: provider.baseUrl,
        form: 'name_domain',
        value: `p${i}@stored.example`,
      });
    await suppress(tenant.orgId, 'email', 'P1@stored.example');
    expect(statuses(await order(leadIds))).toEqual(['finished', 'failed']);
    expect(statuses(await order(leadIds, other))).toEqual(['finished', 'finished']);
    const values = await query(api.knex, 'SELECT value FROM lead_values WHERE org_id = ?', [tenant.orgId]);
    expect(values).toEqual([{ value: 'p0@stored.example' }]);
  });
});

describe('an erased person', () => {
  it('is no lead any more; the request that listed it goes on telling its outcome, without name or value', async () => {
    const [leadId = '', kept = ''] = await seedLeads(api.knex, 2);
    const [provider] = api.waterfall.emails;
    if (!provider) throw new Error('The waterfall is empty.');
    const { name, baseUrl } = provider;
    await seedHit(api.knex, {
      leadId,
      provider: name,
      baseUrl,
      form: 'name_domain',
      value: 'gone@stored.example',
    });
    await order([leadId, kept]);
    await erasePerson(api.knex, { leadId }, 'test');

    const body = { field: 'emails', selection: { mode: 'manual', includedIds: [leadId] } };
    const again = await api.call<ErrorBody>('POST', BULK, { key: tenant.apiKey, body });
    expect(again.status).toBe(400);
    const requests = await api.call<{ requests: { id: string }[] }>(
      'GET',
      '/api/v1/operations/enrichment/requests',
      { key: tenant.apiKey },
    );
    const [request] = requests.json.requests;
    const results = await api.call('GET', `/api/v1/operations/enrichment/requests/${request?.id}/results`, {
      key: tenant.apiKey,
      headers: { accept: 'application/x-ndjson' },
    });
    const lines = results.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ leadId, status: 'finished', name: null, value: null });
  });

  it('is caught by an accept that waited for the account while the person was erased', async () => {
    const [leadId = ''] = await seedLeads(api.knex, 1);
    const { linkedin } = await readProfile(leadId);
    let ordering: Promise<EnrichmentBody[]> = Promise.resolve([]);
    await api.knex.transaction(async (trx) => {
      await execute(trx, 'SELECT 1 FROM credit_accounts WHERE org_id = ? FOR UPDATE', [tenant.orgId]);
      ordering = order([leadId]);
      await waitUntil(isAcceptWaiting);
      // What an erasure commits first.
      await suppress(null, 'linkedin', linkedin);
    });
    expect(statuses(await ordering)).toEqual(['failed']);
    expect(await readBalance(api.knex, tenant.orgId)).toBe(100);
  });
});

async function isAcceptWaiting(): Promise<boolean> {
  const waiting = await query(
    api.knex,
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
       AND query LIKE '%credit_accounts%FOR NO KEY UPDATE%'`,
  );
  return waiting.length > 0;
}
