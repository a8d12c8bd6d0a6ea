import { execute, query } from '../db/database';
import { hashSuppressible, type SuppressibleKind } from '../domain/suppression';
import { countBlocksRead } from '../testing/count-blocks';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { seedLeads, seedOrganisation } from '../testing/seed';
import { findSuppressed } from './suppression-checks';
import { insertSuppressions } from './suppressions';

let database: TestDatabase;
let orgId: string;
beforeEach(async () => {
  database = await createTestDatabase();
  orgId = await seedOrganisation(database.knex, 0);
});
afterEach(() => database.drop());

const check = (leadIds: string[]) => findSuppressed(database.knex, { subjects: { orgId, leadIds } });

async function suppress(hash: Buffer, of: string | null = null): Promise<void> {
  const origin = { source: 'operator' as const, reason: '', createdBy: 'test', erasureId: null };
  await insertSuppressions(database.knex, [{ kind: 'question', hash, orgId: of }], origin);
}

function hashOf(kind: SuppressibleKind, value: string): Buffer {
  const entry = hashSuppressible(kind, value);
  if (!entry) throw new Error(`${value} is no ${kind}.`);
  return entry.hash;
}

async function readHash(leadId: string, column: string): Promise<Buffer> {
  const sql = `SELECT ${column} AS hash FROM people WHERE id = ?`;
  const [row] = await query<{ hash: Buffer }>(database.knex, sql, [leadId]);
  return row?.hash as Buffer;
}

const HASHES: Record<string, (leadId: string) => Promise<Buffer> | Buffer> = {
  'its LinkedIn profile': (id) => readHash(id, 'linkedin_hash'),
  'its name and domain': (id) => readHash(id, 'name_domain_hash'),
  'its name and company': (id) => readHash(id, 'name_company_hash'),
  'its question by e-mail': (id) => readHash(id, 'email_hash'),
  'its company’s domain': () => hashOf('domain', 'company0.example'),
  'an e-mail': () => hashOf('email', 'ann@mail.example'),
  'the domain of an e-mail': () => hashOf('domain', 'mail.example'),
  'a phone': () => hashOf('phone', '+49 30 5550101'),
};

it.each(Object.entries(HASHES))(
  'knows a lead by %s, and no longer once it has none of it',
  async (_, read) => {
    const [leadId = '', neighbour = ''] = await seedLeads(database.knex, 2);
    await execute(
      database.knex,
      `UPDATE people SET emails = '{x@b.example,ann@mail.example}', phones = '{"+49305550101 x12"}', email_hash = sha256('x') WHERE id = ?`,
      [leadId],
    );
    await suppress(await read(leadId), orgId);
    expect(await check([leadId, neighbour])).toEqual(new Map([[leadId, false]]));
    await execute(
      database.knex,
      `UPDATE people SET emails = '{}', phones = '{}', company_domain = NULL, linkedin_hash = NULL, name_domain_hash = NULL,
            name_company_hash = NULL, email_hash = NULL WHERE id = ?`,
      [leadId],
    );
    expect(await check([leadId, neighbour])).toEqual(new Map());
  },
);

it('compares whole hashes: a key that two share suppresses nobody', async () => {
  const [leadId = ''] = await seedLeads(database.knex, 1);
  const other = Buffer.from(await readHash(leadId, 'linkedin_hash'));
  other.writeUInt8(other.readUInt8(31) ^ 1, 31);
  await suppress(other);
  expect(await check([leadId])).toEqual(new Map());
});

it.each([1, 300, 100_000])('reads a few blocks a lead with %i entries', async (entries) => {
  const leadIds = await seedLeads(database.knex, 1_000);
  await execute(
    database.knex,
    `INSERT INTO suppressions (id, org_id, kind, hash, source, created_by)
     SELECT gen_random_uuid(), NULL, 'email', sha256(('email:' || i || '@elsewhere.example')::bytea), 'operator', 'test'
       FROM generate_series(1, ?) AS i`,
    [entries],
  );
  await query(database.knex, 'ANALYZE people, suppressions');
  expect(await countBlocksRead(database, () => check(leadIds))).toBeLessThan(8 * leadIds.length);
});
