/** Suppression over real processes, from the order to the provider that may not tell. */
import { execute, query } from '@leadwell/shared/db/database';
import { hashSuppressible } from '@leadwell/shared/domain/suppression';
import { importLeads } from '@leadwell/shared/leads/import-leads';
import { audit } from '@leadwell/shared/ledger/audit';
import { insertSuppressions } from '@leadwell/shared/repositories/suppressions';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Readable } from 'node:stream';
import { Client, type EnrichmentView } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { seedTenant, type Tenant } from './support/seed';

jest.setTimeout(90_000);

const [backend] = queueBackends();
let deployment: Deployment;
let mine: Tenant;
let theirs: Tenant;
beforeAll(async () => {
  if (!backend) throw new Error('There is no queue.');
  const waterfall = { emails: ['hunter', 'leadmagic'], phones: ['leadmagic'] };
  deployment = await deploy({ backend, waterfall });
  mine = await seedTenant(deployment.database.knex, { credits: 100 });
  theirs = await seedTenant(deployment.database.knex, { credits: 100 });
});
afterAll(() => deployment.stop());

const clientOf = ({ apiKey }: Tenant): Client => new Client(deployment.apiUrl, apiKey);

const EMAILS = ['listed', 'late', 'plain', 'refused'].map((name) => `${name}@private.example`);

/** Leads of the shared directory; of the domain the sandbox reads what it finds. */
async function bringLeads(): Promise<string[]> {
  const people = EMAILS.map((email, i) => ({
    ...{ firstName: 'Ada', lastName: `Byron${'abcd'[i]}`, email },
    company: { name: `Engine ${i}`, domain: `always-${i === 3 ? 'restricted' : 'hit'}.example` },
  }));
  const source = Readable.from([Buffer.from(people.map((person) => JSON.stringify(person)).join('\n'))]);
  const { knex } = deployment.database;
  await importLeads(knex, { orgId: null, source, format: 'ndjson', onRejected: fail });
  const rows = await query<{ id: string }>(knex, 'SELECT id FROM people ORDER BY seq');
  return rows.map(({ id }) => id);
}

function fail({ message }: { message: string }): void {
  throw new Error(message);
}

async function suppress(email: string, orgId: string): Promise<void> {
  const entry = hashSuppressible('email', email);
  if (!entry) throw new Error(`${email} is no address.`);
  const origin = { source: 'operator' as const, reason: '', createdBy: 'test', erasureId: null };
  await insertSuppressions(deployment.database.knex, [{ ...entry, orgId }], origin);
}

async function readOutcomes(orgId: string, leadIds: string[]): Promise<string[]> {
  const rows = await query<{ outcome: string }>(
    deployment.database.knex,
    `SELECT e.status || CASE WHEN data_found THEN ' found' ELSE '' END AS outcome FROM unnest(?::uuid[]) WITH ORDINALITY AS l (id, place)
       JOIN enrichments e ON e.entity_id = l.id AND e.org_id = ? AND e.superseded_at IS NULL ORDER BY l.place`,
    [leadIds, orgId],
  );
  return rows.map(({ outcome }) => outcome);
}

const countAsked = (): [string, number][] =>
  deployment.sandbox
    .stats()
    .accounts.map(({ provider, questions }) => [provider, questions.distinct + questions.repeated]);

const statuses = (rows: EnrichmentView[]): string[] => rows.map(({ status }) => status);

it('keeps lists before the debit and before the ask, and what one provider may not tell from everybody', async () => {
  const { knex } = deployment.database;
  const leadIds = await bringLeads();
  const [listed = '', late = ''] = EMAILS;
  await suppress(listed, mine.orgId);
  const client = clientOf(mine);
  expect(statuses(await client.enrich(leadIds, 'emails'))).toEqual([
    'failed',
    'pending',
    'pending',
    'pending',
  ]);
  expect(await client.balance()).toBe(85);

  await suppress(late, mine.orgId);
  await deployment.startWorker();
  await waitUntil(async () => !(await readOutcomes(mine.orgId, leadIds)).includes('pending'), {
    timeoutMs: 60_000,
    message: 'no enrichment pending',
  });
  expect(await readOutcomes(mine.orgId, leadIds)).toEqual(['failed', 'failed', 'finished found', 'failed']);
  expect(await client.balance()).toBe(95);
  expect(countAsked()).toEqual([['hunter', 2]]);
  const entries = await query(
    knex,
    `SELECT org_id AS "orgId", kind, created_by AS "by" FROM suppressions WHERE source = 'provider'`,
  );
  expect(entries).toEqual([{ orgId: null, kind: 'question', by: 'hunter' }]);

  // What the provider said is forgotten after RESULT_DAYS; the entry stands.
  await execute(knex, `UPDATE lookups SET expires_at = clock_timestamp() WHERE state = 'restricted'`);
  const later = await clientOf(theirs).enrich(leadIds.slice(2), 'emails');
  expect(statuses(later)).toEqual(['finished', 'failed']);
  expect(await clientOf(theirs).balance()).toBe(100);
  expect(countAsked()).toEqual([['hunter', 2]]);
  expect((await audit(knex)).invariants.filter(({ violations }) => violations > 0)).toEqual([]);
});
