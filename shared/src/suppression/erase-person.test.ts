import { Readable } from 'node:stream';
import { execute, query, type Knex } from '../db/database';
import { inTransaction } from '../db/transaction';
import { newId, SHARED_SCOPE } from '../domain/ids';
import { hashSuppressible } from '../domain/suppression';
import { importLeads, type Rejection } from '../leads/import-leads';
import { audit } from '../ledger/audit';
import { lockCreditAccount } from '../ledger/lock-account';
import { claimLookups, insertAskedAttempts, lockRowsToAsk } from '../repositories/asks';
import { findSuppressed } from '../repositories/suppression-checks';
import { insertSuppressions } from '../repositories/suppressions';
import { claimLease } from '../repositories/leases';
import { settle, type LeasedBatch } from '../settle/settle';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { readBalance, seedAccepted, seedOrganisation } from '../testing/seed';
import { waitUntil } from '../testing/wait-until';
import { erasePerson, finishErasures } from './erase-person';

let database: TestDatabase;
let knex: Knex;
let [mine, theirs] = ['', ''];
beforeEach(async () => {
  database = await createTestDatabase();
  ({ knex } = database);
  mine = await seedOrganisation(knex, 100);
  theirs = await seedOrganisation(knex, 100);
});
afterEach(async () => {
  const report = await audit(knex);
  await database.drop();
  expect(report.invariants.filter(({ violations }) => violations > 0)).toEqual([]);
});

const LINKEDIN = 'https://www.linkedin.com/in/ann-li';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const ANN = {
  firstName: 'Ann',
  lastName: 'Li',
  linkedinUrl: LINKEDIN,
  company: { name: 'Acme', domain: 'acme.com' },
};

/** Imports people as NDJSON and gives the ids of the scope's leads in the order of the search. */
async function bring(
  people: object[],
  orgId: string | null = null,
  rejections: Rejection[] = [],
): Promise<string[]> {
  const source = Readable.from([Buffer.from(people.map((person) => JSON.stringify(person)).join('\n'))]);
  await importLeads(knex, { orgId, source, format: 'ndjson', onRejected: (one) => rejections.push(one) });
  const rows = await query<{ id: string }>(
    knex,
    'SELECT id FROM people WHERE org_id IS NOT DISTINCT FROM CAST(? AS uuid) ORDER BY seq',
    [orgId],
  );
  return rows.map(({ id }) => id);
}

/** A lookup that asked about the lead by LinkedIn and found an address. */
async function storeHit(leadId: string, value: string): Promise<string> {
  const id = newId();
  const candidates = [
    { kind: 'email', value, verdict: 'deliverable', confidence: 1, lineType: null, flags: [] },
  ];
  await execute(
    knex,
    `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
     SELECT ?, 'hunter', 'http://x', 'emails', linkedin_hash, ?, 'hit', clock_timestamp(), clock_timestamp(),
            clock_timestamp() + interval '1 day', ? FROM people WHERE id = ?`,
    [id, SHARED_SCOPE, JSON.stringify(candidates), leadId],
  );
  return id;
}

async function lease(batchId: string): Promise<LeasedBatch> {
  const wanted = { batchId, leaseSeconds: 60, workerName: 'test', alsoReturned: true };
  return (await claimLease(knex, wanted)) as LeasedBatch;
}

const found = (enrichmentId: string, lookupId: string) => ({
  enrichmentId,
  found: true as const,
  lookupId,
  attempts: [{ provider: 'hunter', lookupId, outcome: 'hit' as const, error: null }],
});

async function readQuestion(leadId: string): Promise<Buffer> {
  const sql = 'SELECT linkedin_hash AS hash FROM people WHERE id = ?';
  const [row] = await query<{ hash: Buffer }>(knex, sql, [leadId]);
  return row?.hash as Buffer;
}

/** What a worker writes before it asks a second provider about a row. */
function ask(batch: LeasedBatch, enrichmentId: string, question: Buffer): Promise<void> {
  return inTransaction(knex, (trx) => claim(trx, batch, enrichmentId, question));
}

async function claim(trx: Knex.Transaction, batch: LeasedBatch, enrichmentId: string, question: Buffer) {
  const locked = await lockRowsToAsk(trx, [{ orgId: batch.orgId, enrichmentId, fence: batch.fence }]);
  const subjects = { enrichments: [{ orgId: batch.orgId, id: enrichmentId }] };
  const suppressed = await findSuppressed(trx, { subjects, asked: [{ id: enrichmentId, hash: question }] });
  if (locked.size === 0 || suppressed.size > 0) return;
  const key = { provider: 'leadmagic', baseUrl: 'http://y', inputHash: question, scope: SHARED_SCOPE };
  const claimed = await claimLookups(trx, 'emails', [{ ...key, missesBeforeText: null }], 60);
  const attempts = claimed.map((one) => ({
    enrichmentId,
    provider: 'leadmagic',
    lookupId: one.id,
    ask: one.ask,
    shared: false,
  }));
  await insertAskedAttempts(trx, attempts);
}

async function readRow(id: string) {
  const [row] = await query(knex, 'SELECT status, data_found AS found, error FROM enrichments WHERE id = ?', [
    id,
  ]);
  return row;
}

/** Every text of every table but the schema's own, to look for what must not be there. */
async function readEverything(): Promise<string> {
  const tables = await query<{ name: string }>(
    knex,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'schema_migrations%'`,
  );
  const texts = await Promise.all(
    tables.map(({ name }) => query<{ text: string }>(knex, `SELECT t::text AS text FROM ${name} t`)),
  );
  return texts
    .flat()
    .map(({ text }) => text)
    .join('\n')
    .toLowerCase();
}

const GLOBAL = /^This person may not be enriched/;

describe('an erasure', () => {
  it('leaves nothing of the person in any table, ends and refunds what is pending, and keeps the money of what was found', async () => {
    const [shared = ''] = await bring([ANN]);
    const [own = ''] = await bring(
      [{ ...ANN, email: 'ann.li@private.example', phone: '+49 30 5550101' }],
      theirs,
    );
    const lookupId = await storeHit(shared, 'ann@acme.com');
    const paid = await seedAccepted(knex, { orgId: mine, leadIds: [shared] });
    await settle(knex, await lease(paid.batchId), [found(paid.enrichmentIds[0] as string, lookupId)]);
    const pending = await seedAccepted(knex, { orgId: theirs, leadIds: [own] });
    const phones = await seedAccepted(knex, { orgId: mine, leadIds: [shared], field: 'phones', price: 20 });

    const report = await erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');

    expect(report).toMatchObject({
      leads: 2,
      endedEnrichments: 2,
      refundedCredits: 25,
      values: 1,
      attempts: 1,
      lookups: 1,
    });
    expect(await readEverything()).not.toMatch(/\bann\b|ann-li|private\.example|5550101|\bli\b/);
    expect(await readBalance(knex, mine)).toBe(95);
    expect(await readBalance(knex, theirs)).toBe(100);
    expect(await readRow(paid.enrichmentIds[0] as string)).toEqual({
      status: 'finished',
      found: true,
      error: null,
    });
    for (const id of [...pending.enrichmentIds, ...phones.enrichmentIds])
      expect(await readRow(id)).toMatchObject({
        status: 'failed',
        found: false,
        error: expect.stringMatching(GLOBAL) as string,
      });
  });

  it('finds the person by an address that a provider gave, and by a lead', async () => {
    const [shared = ''] = await bring([ANN]);
    const lookupId = await storeHit(shared, 'ann@acme.com');
    const { batchId, enrichmentIds } = await seedAccepted(knex, { orgId: mine, leadIds: [shared] });
    await settle(knex, await lease(batchId), [found(enrichmentIds[0] as string, lookupId)]);
    const [own = ''] = await bring([{ fullName: 'Bo Wu', email: 'bo@acme.com' }], mine);
    expect((await erasePerson(knex, { email: 'ann@acme.com' }, 'test')).leadIds).toEqual([shared]);
    expect((await erasePerson(knex, { leadId: own }, 'test')).leadIds).toEqual([own]);
    expect(await readEverything()).not.toMatch(/ann@acme|bo@acme|bo wu/);
  });

  it('does nothing more the second time, and keeps the hashes of whom it does not know', async () => {
    await bring([ANN]);
    await erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');
    const again = await erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');
    expect(again).toMatchObject({
      leadIds: [],
      suppressions: 0,
      leads: 0,
      values: 0,
      lookups: 0,
      endedEnrichments: 0,
    });
    expect(await erasePerson(knex, { email: 'nobody@acme.com' }, 'test')).toMatchObject({
      leads: 0,
      suppressions: 1,
    });
  });

  it('goes on after a crash where it stopped, although nobody remembers whom it was about', async () => {
    const [shared = ''] = await bring([ANN]);
    await storeHit(shared, 'ann@acme.com');
    const { enrichmentIds } = await seedAccepted(knex, { orgId: mine, leadIds: [shared] });
    // The account of one organisation is held: the erasure gets no further, and its connection is ended.
    await expect(
      knex.transaction(async (trx) => {
        await lockCreditAccount(trx, mine);
        const erasing = erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');
        erasing.catch(() => undefined);
        await killWaiting('credit_accounts');
        await erasing;
      }),
    ).rejects.toThrow();
    expect(await readRow(enrichmentIds[0] as string)).toMatchObject({ status: 'pending' });
    const [report] = await finishErasures(knex);
    expect(report).toMatchObject({ leads: 1, endedEnrichments: 1, lookups: 1 });
    expect(await finishErasures(knex)).toEqual([]);
    expect(await readEverything()).not.toMatch(/\bann\b|ann-li/);
  });

  it('erases no namesake that a LinkedIn profile tells apart, and nobody whom another organisation’s lead points to', async () => {
    const [, bo = ''] = await bring([ANN, { fullName: 'Bo Wu', email: 'bo@big.example' }]);
    const [namesake = ''] = await bring(
      [{ ...ANN, linkedinUrl: 'https://www.linkedin.com/in/ann-li-2' }],
      theirs,
    );
    await bring([{ ...ANN, email: 'bo@big.example' }], mine);
    const { leadIds } = await erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');
    expect(leadIds).toHaveLength(2);
    expect(leadIds).not.toContain(namesake);
    expect(leadIds).not.toContain(bo);
    // The address that one organisation planted is suppressed for that organisation alone.
    expect(await findSuppressed(knex, { subjects: { orgId: theirs, leadIds: [bo] } })).toEqual(new Map());
    expect(await findSuppressed(knex, { subjects: { orgId: mine, leadIds: [bo] } })).toEqual(
      new Map([[bo, false]]),
    );
  });

  it('erases nobody where what was named stands with more leads than one person can have', async () => {
    const [ann = '', house = ''] = await bring([
      { ...ANN, email: 'ann@acme.com' },
      { fullName: 'The House', email: 'info@acme.com', linkedinUrl: 'https://www.linkedin.com/in/house' },
    ]);
    await execute(
      knex,
      `INSERT INTO people (id, seq, full_name, emails)
       SELECT gen_random_uuid(), (SELECT max(seq) FROM people) + i, 'Somebody', '{info@acme.com}' FROM generate_series(1, 10001) i`,
    );
    // By id, nothing parts the house from the others: they have no profile.
    for (const target of [{ email: 'info@acme.com' }, { leadId: house }])
      await expect(erasePerson(knex, target, 'test')).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('Nothing was erased') as string,
      });
    expect(await query(knex, 'SELECT count(*) AS count FROM suppressions')).toEqual([{ count: 0 }]);
    expect((await erasePerson(knex, { email: 'ann@acme.com' }, 'test')).leadIds).toEqual([ann]);
    expect(await query(knex, 'SELECT count(*) AS count FROM people')).toEqual([{ count: 10_002 }]);
  });

  it.each(['LinkedIn', 'lead'])(
    'finds the person by %s among more leads of others with the same address, or name, than it holds at once',
    async (by) => {
      const [ann = ''] = await bring([{ ...ANN, email: 'ann@acme.com' }]);
      // Parted from her by a profile, or by an address where there is none; their ids come before and after hers.
      await execute(
        knex,
        `INSERT INTO people (id, seq, full_name, linkedin_url, linkedin_hash, name_domain_hash, emails, company_domain)
         SELECT gen_random_uuid(), ann.seq + i, 'Ann Li', CASE WHEN i % 2 = 0 THEN 'https://www.linkedin.com/in/other-' || i END,
                CASE WHEN i % 2 = 0 THEN sha256(i::text::bytea) END, ann.name_domain_hash,
                CASE WHEN i % 2 = 0 THEN ann.emails ELSE ARRAY[i || '@acme.com'] END, 'acme.com'
           FROM people ann, generate_series(1, 20002) i`,
      );
      await execute(
        knex,
        `INSERT INTO people (id, org_id, seq, full_name, emails)
         SELECT :last, :orgId, max(seq) + 1, 'A. Li', '{ann@acme.com}' FROM people`,
        { last: LAST_ID, orgId: theirs },
      );
      const target = by === 'lead' ? { leadId: ann } : { linkedinUrl: LINKEDIN };
      const { leadIds } = await erasePerson(knex, target, 'test');
      expect(leadIds).toEqual([ann, LAST_ID]);
      expect(await query(knex, 'SELECT count(*) AS count FROM people')).toEqual([{ count: 20_002 }]);
    },
  );

  it('keeps an erased person out of imports, and nobody else', async () => {
    await bring([ANN]);
    await erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');
    const hash = hashSuppressible('email', 'do-not-mail@acme.com');
    if (!hash) throw new Error('no hash');
    const origin = { source: 'operator' as const, reason: '', createdBy: 'test', erasureId: null };
    await insertSuppressions(knex, [{ ...hash, orgId: theirs }], origin);
    const rejections: Rejection[] = [];
    const people = [
      ANN,
      { fullName: 'Cy Ho', email: 'do-not-mail@acme.com' },
      { ...ANN, linkedinUrl: undefined },
    ];
    expect(await bring(people, theirs, rejections)).toHaveLength(1);
    expect(rejections.map(({ line }) => line)).toEqual([1, 3]);
    expect(rejections[0]?.message).toMatch(/was erased/);
  });

  it('wins against a settle that waits for the account, and one that has it', async () => {
    const [shared = ''] = await bring([ANN]);
    const lookupId = await storeHit(shared, 'ann@acme.com');
    const first = await seedAccepted(knex, { orgId: mine, leadIds: [shared] });
    const second = await seedAccepted(knex, { orgId: theirs, leadIds: [shared] });
    const leases = [await lease(first.batchId), await lease(second.batchId)];
    const settling: Promise<unknown>[] = [];
    let erasing: Promise<unknown> = Promise.resolve();
    await knex.transaction(async (trx) => {
      await lockCreditAccount(trx, mine);
      erasing = erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');
      await waitUntil(async () => (await countWaiting('credit_accounts')) === 1);
      for (const [i, batch] of leases.entries())
        settling.push(settle(knex, batch, [found([first, second][i]?.enrichmentIds[0] as string, lookupId)]));
      await waitUntil(async () => (await countWaiting('credit_accounts')) === 2);
    });
    await Promise.all([erasing, ...settling]);
    expect(await readEverything()).not.toMatch(/\bann\b|ann-li|ann@/);
    expect([await readBalance(knex, mine), await readBalance(knex, theirs)]).toEqual([100, 100]);
  });

  it('meets asks, settles and other erasures of the same people from all sides without a deadlock that shows', async () => {
    const people = Array.from({ length: 6 }, (_, i) => ({
      ...ANN,
      lastName: `L${i}`,
      linkedinUrl: `${LINKEDIN}${i}`,
    }));
    const leadIds = await bring(people);
    const lookupIds = await Promise.all(leadIds.map((id, i) => storeHit(id, `ann${i}@acme.com`)));
    const accepted = await Promise.all([mine, theirs].map((orgId) => seedAccepted(knex, { orgId, leadIds })));
    const batches = await Promise.all(accepted.map(({ batchId }) => lease(batchId)));
    const questions = await Promise.all(leadIds.map(readQuestion));
    await Promise.all([
      ...accepted.flatMap(({ enrichmentIds }, org) =>
        enrichmentIds.map((id, i) => ask(batches[org] as LeasedBatch, id, questions[i] as Buffer)),
      ),
      ...people.map(({ linkedinUrl }) => erasePerson(knex, { linkedinUrl }, 'test')),
      ...accepted.flatMap(({ enrichmentIds }, org) =>
        enrichmentIds.map((id, i) =>
          settle(knex, batches[org] as LeasedBatch, [found(id, lookupIds[i] as string)]),
        ),
      ),
    ]);
    expect(await query(knex, 'SELECT value FROM lead_values')).toEqual([]);
    expect(await query(knex, `SELECT id FROM enrichments WHERE status = 'pending'`)).toEqual([]);
    expect(await query(knex, `SELECT id FROM batches WHERE completed_at IS NULL`)).toEqual([]);
    expect(await query(knex, 'SELECT id FROM lookups')).toEqual([]);
    expect(await query(knex, 'SELECT provider FROM attempts WHERE outcome IS NULL')).toEqual([]);
  });

  it('sees an ask that it waited for, and no ask comes after it', async () => {
    const leadIds = await bring([ANN]);
    const [question = Buffer.of()] = await Promise.all(leadIds.map(readQuestion));
    const { batchId, enrichmentIds } = await seedAccepted(knex, { orgId: mine, leadIds });
    const batch = await lease(batchId);
    let erasing: Promise<unknown> = Promise.resolve();
    await inTransaction(knex, async (trx) => {
      await claim(trx, batch, enrichmentIds[0] as string, question);
      erasing = erasePerson(knex, { linkedinUrl: LINKEDIN }, 'test');
      await waitUntil(async () => (await countWaiting('enrichments')) === 1);
    });
    await erasing;
    await ask(batch, enrichmentIds[0] as string, question);
    expect(await query(knex, 'SELECT id FROM lookups')).toEqual([]);
    expect(await query(knex, 'SELECT provider FROM attempts')).toEqual([]);
    expect(await readBalance(knex, mine)).toBe(100);
  });
});

describe('a settle', () => {
  it('stores no value that the organisation suppresses, and refunds; another organisation gets it', async () => {
    const [shared = ''] = await bring([ANN]);
    const lookupId = await storeHit(shared, 'ann@mail.example');
    const accepted = await Promise.all(
      [mine, theirs].map((orgId) => seedAccepted(knex, { orgId, leadIds: [shared] })),
    );
    const hash = hashSuppressible('domain', 'https://www.mail.example/');
    if (!hash) throw new Error('no hash');
    const origin = { source: 'operator' as const, reason: '', createdBy: 'test', erasureId: null };
    await inTransaction(knex, (trx) => insertSuppressions(trx, [{ ...hash, orgId: mine }], origin));
    for (const { batchId, enrichmentIds } of accepted)
      await settle(knex, await lease(batchId), [found(enrichmentIds[0] as string, lookupId)]);
    expect(await query(knex, 'SELECT org_id AS "orgId" FROM lead_values')).toEqual([{ orgId: theirs }]);
    expect([await readBalance(knex, mine), await readBalance(knex, theirs)]).toEqual([100, 95]);
  });
});

async function countWaiting(table: string): Promise<number> {
  return (await listWaiting(table)).length;
}

function listWaiting(table: string): Promise<{ pid: number }[]> {
  return query(
    knex,
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE ?`,
    [`%${table}%FOR%UPDATE%`],
  );
}

async function killWaiting(table: string): Promise<void> {
  await waitUntil(async () => (await countWaiting(table)) > 0);
  for (const { pid } of await listWaiting(table)) await query(knex, 'SELECT pg_terminate_backend(?)', [pid]);
}
