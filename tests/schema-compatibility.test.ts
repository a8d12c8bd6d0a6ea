/**
 * The release before runs on the schema of the next one while processes are replaced one by one: a migration adds, and
 * takes away only what a released version has stopped using. The catalogues before and after each migration are compared.
 */
import { MIGRATION_NAMES, readMigrationSql } from '@leadwell/migrations/migration-list';
import { query, type Knex } from '@leadwell/shared/db/database';
import { createEmptyDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const CHANGELOG = readFileSync(path.join(__dirname, '..', 'CHANGELOG.md'), 'utf8');

interface Fact {
  table: string | null;
  /** What code can rely on, in words: it must still be so after the migration. */
  promise: string;
}
interface Rule {
  name: string;
  table: string;
  columns: string[];
  definition: string;
}
interface Schema {
  facts: Fact[];
  rules: Rule[];
  columns: Set<string>;
}

/** Tables, columns with their types, what an INSERT may leave out and may give, keys that ON CONFLICT names, functions by their arguments and result. */
const FACTS = `
SELECT c.relname AS "table", f.promise
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 CROSS JOIN LATERAL (VALUES
   ('column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)),
   (CASE WHEN NOT a.attnotnull THEN 'NULL in ' || c.relname || '.' || a.attname END),
   (CASE WHEN a.atthasdef OR a.attidentity <> '' OR NOT a.attnotnull THEN 'INSERT without ' || c.relname || '.' || a.attname END),
   (CASE WHEN a.attidentity <> 'a' AND a.attgenerated = '' THEN 'INSERT with ' || c.relname || '.' || a.attname END)
 ) f (promise)
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace AND f.promise IS NOT NULL
UNION ALL
SELECT t.relname, 'key ' || t.relname || regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING', '')
  FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
 WHERE i.indisunique AND NOT t.relispartition AND t.relnamespace = 'public'::regnamespace
UNION ALL
SELECT NULL, 'function ' || proname || '(' || oidvectortypes(proargtypes) || ') ' || pg_get_function_result(oid)
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace`;

/** What can refuse a row that was good before. */
const RULES = `
SELECT con.conname AS name, t.relname AS "table", pg_get_constraintdef(con.oid) AS definition,
       array(SELECT attname::text FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY (con.conkey)) AS columns
  FROM pg_constraint con JOIN pg_class t ON t.oid = con.conrelid
 WHERE NOT t.relispartition AND t.relnamespace = 'public'::regnamespace AND con.contype IN ('c', 'f', 'x')
UNION ALL
SELECT ic.relname, t.relname, pg_get_indexdef(i.indexrelid),
       array(SELECT attname::text FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY (i.indkey::int2[]))
  FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class ic ON ic.oid = i.indexrelid
 WHERE i.indisunique AND NOT t.relispartition AND t.relnamespace = 'public'::regnamespace`;

async function readSchema(knex: Knex): Promise<Schema> {
  const facts = await query<Fact>(knex, FACTS);
  const columns = facts.flatMap(({ promise }) => /^column (\S+)/.exec(promise)?.[1] ?? []);
  return { facts, rules: await query<Rule>(knex, RULES), columns: new Set(columns) };
}

/** What the code of before relied on and no longer finds, and what would refuse rows that it writes. */
function listBreaks(before: Schema, after: Schema): string[] {
  const kept = new Set(after.facts.map(({ promise }) => promise));
  const gone = before.facts.map(({ promise }) => promise).filter((promise) => !kept.has(promise));
  const known = new Set(before.rules.map((rule) => `${rule.table} ${rule.definition}`));
  const stricter = after.rules
    .filter((rule) => !known.has(`${rule.table} ${rule.definition}`))
    .filter((rule) => rule.columns.some((column) => before.columns.has(`${rule.table}.${column}`)))
    .map((rule) => `new rule on ${rule.table}: ${rule.name}`);
  const demanded = [...after.columns]
    .filter((column) => !before.columns.has(column) && !kept.has(`INSERT without ${column}`))
    .filter((column) => [...before.columns].some((old) => old.split('.')[0] === column.split('.')[0]))
    .map((column) => `INSERT must give ${column}`);
  return [...gone.map((promise) => `gone: ${promise}`), ...stricter, ...demanded];
}

/** The breaks that a change makes on a schema of one table and one function; the database is empty again afterwards. */
async function breaksOf(knex: Knex, change: string): Promise<string[]> {
  const trx = await knex.transaction();
  try {
    await run(trx, 'CREATE TABLE things (id int PRIMARY KEY, size int NOT NULL DEFAULT 1, note text)');
    await run(trx, `CREATE FUNCTION double_of(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'`);
    const before = await readSchema(trx);
    await run(trx, change);
    return listBreaks(before, await readSchema(trx));
  } finally {
    await trx.rollback();
  }
}

const run = (knex: Knex, sql: string): Promise<unknown> => knex.raw(sql.replaceAll('?', '\\?')).then();

describe('the comparison', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createEmptyDatabase();
  });
  afterAll(() => database.drop());

  it.each([
    ['DROP TABLE things', 'gone: column things.id integer'],
    ['ALTER TABLE things DROP COLUMN note', 'gone: column things.note text'],
    ['ALTER TABLE things RENAME COLUMN note TO remark', 'gone: column things.note text'],
    ['ALTER TABLE things ALTER COLUMN size TYPE bigint', 'gone: column things.size integer'],
    ['ALTER TABLE things ALTER COLUMN note SET NOT NULL', 'gone: NULL in things.note'],
    ['ALTER TABLE things ALTER COLUMN size DROP DEFAULT', 'gone: INSERT without things.size'],
    ['ALTER TABLE things ADD COLUMN owner int NOT NULL', 'INSERT must give things.owner'],
    ['ALTER TABLE things ADD CHECK (size > 0)', 'new rule on things: things_size_check'],
    ['CREATE UNIQUE INDEX one_note ON things (note)', 'new rule on things: one_note'],
    ['ALTER TABLE things DROP CONSTRAINT things_pkey', 'gone: key things btree (id)'],
    ['DROP FUNCTION double_of', 'gone: function double_of(integer) integer'],
    [
      `DROP FUNCTION double_of; CREATE FUNCTION double_of(n int) RETURNS text LANGUAGE sql AS 'SELECT $1::text'`,
      'gone: function double_of(integer) integer',
    ],
    ['ALTER TABLE things ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY', 'gone: INSERT with things.id'],
  ])('refuses %s', async (change, found) => {
    expect(await breaksOf(database.knex, change)).toContain(found);
  });

  it.each([
    'CREATE TABLE others (id int PRIMARY KEY, size int NOT NULL CHECK (size > 0))',
    'ALTER TABLE things ADD COLUMN owner int NOT NULL DEFAULT 0 CHECK (owner >= 0)',
    'ALTER TABLE things ADD COLUMN line int GENERATED ALWAYS AS IDENTITY',
    'ALTER TABLE things ADD COLUMN twice int GENERATED ALWAYS AS (2 * size) STORED',
    'ALTER TABLE things ALTER COLUMN size DROP NOT NULL',
    'CREATE INDEX by_note ON things (note)',
    `CREATE OR REPLACE FUNCTION double_of(n int) RETURNS int LANGUAGE sql AS 'SELECT n + n'`,
  ])('lets %s', async (change) => {
    expect(await breaksOf(database.knex, change)).toEqual([]);
  });
});

it('every migration leaves what the release before relies on, or names the release that stopped', async () => {
  const database = await createEmptyDatabase();
  try {
    const faults: string[] = [];
    let before: Schema | undefined;
    for (const name of MIGRATION_NAMES) {
      const sql = readMigrationSql(name, 'up');
      await run(database.knex, sql);
      const after = await readSchema(database.knex);
      const breaks = before ? listBreaks(before, after) : [];
      const [, release = ''] = /^-- contracts: stopped using in (\d+\.\d+)/m.exec(sql) ?? [];
      // A heading of the changelog: that release is out, and whoever upgrades in order has run it.
      const isReleased = release !== '' && new RegExp(`^## ${release}\\.`, 'm').test(CHANGELOG);
      if (breaks.length > 0 && !isReleased) faults.push(...breaks.map((one) => `${name}: ${one}`));
      before = after;
    }
    expect(faults).toEqual([]);
  } finally {
    await database.drop();
  }
});
