/** Suppressed, restricted and erased people over real processes: API, worker and sandbox. Whom the sandbox counts was asked. */
import { query } from '@leadwell/shared/db/database';
import type { Field } from '@leadwell/shared/domain/enrichment';
import { hashSuppressible } from '@leadwell/shared/domain/suppression';
import { audit } from '@leadwell/shared/ledger/audit';
import { saveOwnWaterfall } from '@leadwell/shared/repositories/organisation-waterfalls';
import { insertSuppressions } from '@leadwell/shared/repositories/suppressions';
import { erasePerson } from '@leadwell/shared/suppression/erase-person';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant } from './support/seed';

jest.setTimeout(90_000);

const CREDITS = 100;
const SURE = { minMs: 0, maxMs: 0 };

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy({
    backend: queueBackends()[0]!,
    sandbox: { latency: SURE },
    waterfall: { emails: ['hunter', 'prospeo', 'dropcontact'], phones: ['lusha', 'leadmagic'] },
    environment: { CHECK_SECONDS: '0.2' },
  });
  await deployment.startWorker();
});
beforeEach(() => deployment.sandbox.reset());
afterEach(async () => expect((await audit(deployment.database.knex)).ok).toBe(true));
afterAll(() => deployment.stop());

async function startTenant() {
  const { orgId, apiKey } = await seedTenant(deployment.database.knex, { credits: CREDITS });
  return { orgId, client: new Client(deployment.apiUrl, apiKey) };
}

/** Questions that each provider was asked, by name; nobody is named who was not asked. */
const askedOf = (): Record<string, number> =>
  Object.fromEntries(
    deployment.sandbox.stats().accounts.map(({ provider, questions }) => [provider, questions.distinct]),
  );

/** Orders, waits for the end, and gives the rows as they ended. */
async function enrich(client: Client, leadIds: readonly string[], field: Field) {
  await client.enrich(leadIds, field);
  await untilPendingBelow(deployment.database.knex, 1);
  return client.enrich(leadIds, field);
}

it('asks nobody about a suppressed lead, which costs nothing, and everybody about its neighbour', async () => {
  const { knex } = deployment.database;
  const { orgId, client } = await startTenant();
  await saveOwnWaterfall(knex, { orgId, field: 'emails', providers: ['hunter', 'prospeo'] });
  const leadIds = await seedLeads(knex, 2, null, 'always-miss');
  const [lead] = await query<{ url: string }>(knex, 'SELECT linkedin_url AS url FROM people WHERE id = ?', [
    leadIds[0],
  ]);
  const hash = hashSuppressible('linkedin', lead?.url ?? '');
  const origin = { source: 'operator' as const, reason: '', createdBy: 'test', erasureId: null };
  await insertSuppressions(knex, [{ ...hash!, orgId }], origin);
  const [suppressed, neighbour] = await enrich(client, leadIds, 'emails');
  expect(suppressed).toMatchObject({ status: 'failed', dataFound: false, creditTransactionId: null });
  expect(suppressed?.error).toMatch(/suppression list/);
  expect(neighbour).toMatchObject({ status: 'finished', dataFound: false });
  expect(askedOf()).toEqual({ hunter: 1, prospeo: 1 });
  expect(await client.balance()).toBe(CREDITS);
});

it.each([
  ['hunter', 'its status 451', 'emails', ['hunter', 'prospeo']],
  ['lusha', 'COMPLIANCE_RESTRICTED', 'phones', ['lusha', 'leadmagic']],
  ['dropcontact', 'Do_Not_Contact', 'emails', ['dropcontact', 'hunter', 'prospeo']],
] as const)(
  'asks nobody else, for any organisation, about whom %s may not tell by %s',
  async (provider, _, field, providers) => {
    const { knex } = deployment.database;
    const { orgId, client } = await startTenant();
    await saveOwnWaterfall(knex, { orgId, field, providers: [...providers] });
    const leadIds = await seedLeads(knex, 1, null, 'always-restricted');
    await client.enrich(leadIds, field);
    await untilPendingBelow(knex, 1);
    // Ordered again the entry stands: the very same row, for nothing.
    const [row] = await client.enrich(leadIds, field);
    expect(row).toMatchObject({ status: 'failed', dataFound: false });
    expect(row?.error).toMatch(/^This person may not be enriched/);
    expect(askedOf()).toEqual({ [provider]: 1 });
    expect(await client.balance()).toBe(CREDITS);

    const other = await startTenant();
    await saveOwnWaterfall(knex, { orgId: other.orgId, field, providers: [...providers].reverse() });
    const [theirs] = await enrich(other.client, leadIds, field);
    expect(theirs).toMatchObject({ status: 'failed', creditTransactionId: null });
    expect(askedOf()).toEqual({ [provider]: 1 });
    expect(await other.client.balance()).toBe(CREDITS);
  },
);

/** Orders one lead, erases it while its provider is asked, and lets the answer come. Gives whether it came after the erasure. */
async function eraseInFlight(latencyMs: number): Promise<boolean> {
  const { knex } = deployment.database;
  const { orgId, client } = await startTenant();
  deployment.sandbox.reset();
  deployment.sandbox.setLatency({ minMs: latencyMs, maxMs: latencyMs });
  const [leadId = ''] = await seedLeads(knex, 1, null, 'always-hit');
  await client.enrich([leadId], 'emails');
  const inFlight = () => deployment.sandbox.stats().accounts.reduce((sum, one) => sum + one.inFlight, 0);
  await waitUntil(() => inFlight() > 0, { timeoutMs: 30_000, message: 'the provider to be asked' });
  await erasePerson(knex, { leadId }, 'test');
  const wasInFlight = inFlight() > 0;
  deployment.sandbox.setLatency(SURE);
  await waitUntil(() => inFlight() === 0, { timeoutMs: 60_000, message: 'the answer to be given' });
  await untilPendingBelow(knex, 1);
  // What the worker does with the answer has happened when its connection is free for the next call.
  await enrich(client, await seedLeads(knex, 1, null, 'always-hit'), 'emails');
  const rows = await query(
    knex,
    `SELECT e.status, e.data_found AS found, (SELECT count(*) FROM attempts WHERE enrichment_id = e.id) AS attempts,
            (SELECT count(*) FROM lead_values WHERE lead_id = e.entity_id) AS values, (SELECT count(*) FROM people WHERE id = e.entity_id) AS leads
       FROM enrichments e WHERE e.org_id = ? AND e.entity_id = ?`,
    [orgId, leadId],
  );
  expect(rows).toEqual([{ status: 'failed', found: false, attempts: 0, values: 0, leads: 0 }]);
  // Only what the second order found was paid for.
  expect(await client.balance()).toBe(CREDITS - 5);
  const kept = await query(
    knex,
    `SELECT l.id FROM lookups l JOIN suppressions s ON s.hash = l.input_hash AND s.source = 'erasure'`,
  );
  expect(kept).toEqual([]);
  return wasInFlight;
}

it('keeps nothing of an answer about a person who was erased while the provider was asked', async () => {
  // A loaded machine may take longer to erase than the provider to answer: then it gets more time.
  expect((await eraseInFlight(1_500)) || (await eraseInFlight(15_000))).toBe(true);
});
