import { Readable } from 'node:stream';
import { query, type Db } from '../db/database';
import { inTransaction } from '../db/transaction';
import { newId } from '../domain/ids';
import { lockCreditAccount } from '../ledger/lock-account';
import { countOwnLeads, listOwnLeads } from '../repositories/lead-removal';
import { lockLeadWrites } from '../repositories/lead-writes';
import { insertOrganisation } from '../repositories/organisations-admin';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { waitUntil } from '../testing/wait-until';
import { deleteAllLeads, deleteLeads } from './delete-leads';
import { importLeads } from './import-leads';

let database: TestDatabase;
let orgId: string;
beforeEach(async () => {
  database = await createTestDatabase();
  orgId = await insertOrganisation(database.knex, 'Acme');
});
afterEach(() => database.drop());

async function importNames(names: string[], owner: string | null = orgId): Promise<string[]> {
  const people = names.map((name) => ({
    fullName: name,
    email: `${name.replace(' ', '.')}@acme.com`,
    company: { name: 'Acme', domain: 'acme.com' },
  }));
  const source = Readable.from([Buffer.from(people.map((person) => JSON.stringify(person)).join('\n'))]);
  await importLeads(database.knex, { orgId: owner, source, format: 'ndjson' });
  const rows = await query<{ id: string }>(
    database.knex,
    'SELECT id FROM people WHERE org_id IS NOT DISTINCT FROM CAST(? AS uuid) ORDER BY seq',
    [owner],
  );
  return rows.map(({ id }) => id);
}

/** An enrichment of a lead, in the given state. */
async function seedEnrichment(leadId: string, status: 'pending' | 'finished'): Promise<void> {
  const [requestId, batchId, id] = [newId(), newId(), newId()];
  const { knex } = database;
  await query(
    knex,
    `INSERT INTO requests (id, org_id, created_by, field, mode, total, credits_charged) VALUES (?, ?, 'me', 'emails', 'manual', 1, 0)`,
    [requestId, orgId],
  );
  await query(
    knex,
    `INSERT INTO batches (id, org_id, request_id, field, priority, size, deadline_at, next_check_at)
     VALUES (?, ?, ?, 'emails', 1, 1, clock_timestamp(), clock_timestamp())`,
    [batchId, orgId, requestId],
  );
  await query(
    knex,
    `INSERT INTO enrichments (id, org_id, entity_id, field, status, data_found, created_by, request_id, batch_id, price, created_at, updated_at, ended_at)
     VALUES (:id, :orgId, :leadId, 'emails', :status, CASE WHEN :status = 'finished' THEN false END, 'me', :requestId, :batchId, 0,
       clock_timestamp(), clock_timestamp(), CASE WHEN :status = 'finished' THEN clock_timestamp() END)`,
    { id, orgId, leadId, status, requestId, batchId },
  );
}

async function count(table: string): Promise<number> {
  const [row] = await query<{ count: number }>(database.knex, `SELECT count(*) AS count FROM ${table}`);
  return row?.count ?? -1;
}

it('deletes leads with their keys, and their company with its last person', async () => {
  const [ann, bo] = await importNames(['Ann Li', 'Bo Li']);
  expect(await deleteLeads(database.knex, orgId, [ann ?? '', ann ?? ''])).toBe(1);
  expect(await count('companies')).toBe(1);
  expect(await listOwnLeads(database.knex, orgId, 10)).toMatchObject([{ leadId: bo, name: 'Bo Li' }]);
  expect(await deleteLeads(database.knex, orgId, [bo ?? ''])).toBe(1);
  expect([await count('people'), await count('person_identities'), await count('companies')]).toEqual([
    0, 0, 0,
  ]);
  expect(await importNames(['Ann Li'])).not.toContain(ann);
});

it('never deletes a lead of the directory or of another organisation, and then deletes none', async () => {
  const other = await insertOrganisation(database.knex, 'Beta');
  const [own] = await importNames(['Ann Li']);
  const [shared] = await importNames(['Ann Li'], null);
  const [theirs] = await importNames(['Ann Li'], other);
  for (const foreign of [shared, theirs, newId()]) {
    const deleting = deleteLeads(database.knex, orgId, [own ?? '', foreign ?? '']);
    await expect(deleting).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(foreign ?? '') as string,
    });
  }
  expect(await countOwnLeads(database.knex, orgId)).toBe(1);
  expect(await deleteAllLeads(database.knex, orgId)).toBe(1);
  expect(await count('people')).toBe(2);
});

it('refuses while an enrichment is pending, naming the lead, and keeps the history of what has ended', async () => {
  const [ann = '', bo = ''] = await importNames(['Ann Li', 'Bo Li']);
  await seedEnrichment(ann, 'finished');
  await seedEnrichment(bo, 'pending');
  const named = {
    code: 'CONFLICT',
    message: expect.stringMatching(new RegExp(`${bo} \\(Bo Li: emails\\)`)) as string,
  };
  await expect(deleteLeads(database.knex, orgId, [ann, bo])).rejects.toMatchObject(named);
  await expect(deleteAllLeads(database.knex, orgId)).rejects.toMatchObject(named);
  expect(await countOwnLeads(database.knex, orgId)).toBe(2);
  expect(await deleteLeads(database.knex, orgId, [ann])).toBe(1);
  expect(
    await query(database.knex, `SELECT entity_id AS id FROM enrichments WHERE status = 'finished'`),
  ).toEqual([{ id: ann }]);
});

it('deletes all, however many, and again nothing', async () => {
  await importNames(Array.from({ length: 2100 }, (_, i) => `P L${i}`));
  const progress: number[] = [];
  expect(await deleteAllLeads(database.knex, orgId, (deleted) => progress.push(deleted))).toBe(2100);
  expect(progress).toEqual([1000, 2000, 2100]);
  expect(await deleteAllLeads(database.knex, orgId)).toBe(0);
});

it.each([
  ['an accept', (trx: Db) => lockCreditAccount(trx, orgId)],
  ['an import', lockLeadWrites],
])('waits for %s under way', async (_what, lock) => {
  const [ann = ''] = await importNames(['Ann Li']);
  let deleting: Promise<number> | undefined;
  await inTransaction(database.knex, async (trx) => {
    await lock(trx);
    deleting = deleteLeads(database.knex, orgId, [ann]);
    await waitUntil(isSomebodyWaiting, { message: 'the deletion waits' });
    expect(await countOwnLeads(database.knex, orgId)).toBe(1);
  });
  expect(await deleting).toBe(1);
});

async function isSomebodyWaiting(): Promise<boolean> {
  const waiting = await query(
    database.knex,
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return waiting.length > 0;
}
