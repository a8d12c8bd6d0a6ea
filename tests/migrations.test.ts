import { dumpSchema } from '@leadwell/cli/local/dump-schema';
import { listPendingMigrations, migrateDown, migrateUp } from '@leadwell/migrations/migrate';
import { MIGRATION_NAMES } from '@leadwell/migrations/migration-list';
import { query } from '@leadwell/shared/db/database';
import { createEmptyDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const MIGRATIONS = path.join(__dirname, '..', 'migrations');

/** Everything a user could have made, but for the bookkeeping of the migrations. */
function listObjects(database: TestDatabase): Promise<{ name: string }[]> {
  return query(
    database.knex,
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'schema_migrations%'
      UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%schema_migrations%'
      UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|public$|information_schema$)'`,
  );
}

describe('the migrations', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createEmptyDatabase();
  });
  afterEach(() => database.drop());

  it('are exactly the files, each with its way back', () => {
    const files = readdirSync(path.join(MIGRATIONS, 'sql')).sort();
    expect(files).toEqual(MIGRATION_NAMES.flatMap((name) => [`${name}.down.sql`, `${name}.up.sql`]).sort());
  });

  it('leave an empty database when taken back, and can be applied again', async () => {
    expect(await migrateUp(database.knex)).toEqual([...MIGRATION_NAMES]);
    const schema = await dumpSchema(database.knex);
    await migrateDown(database.knex);
    expect(await listObjects(database)).toEqual([]);
    await migrateUp(database.knex);
    expect(await dumpSchema(database.knex)).toBe(schema);
  });

  it('change nothing when applied twice', async () => {
    await migrateUp(database.knex);
    const schema = await dumpSchema(database.knex);
    expect(await migrateUp(database.knex)).toEqual([]);
    expect(await listPendingMigrations(database.knex)).toEqual([]);
    expect(await dumpSchema(database.knex)).toBe(schema);
  });

  it('make what migrations/schema.sql says; `npm run schema` writes it anew', async () => {
    await migrateUp(database.knex);
    expect(await dumpSchema(database.knex)).toBe(readFileSync(path.join(MIGRATIONS, 'schema.sql'), 'utf8'));
  });

  it('are dumped as SQL that makes the same schema', async () => {
    const schema = readFileSync(path.join(MIGRATIONS, 'schema.sql'), 'utf8');
    await database.knex.raw(schema.replaceAll('?', '\\?'));
    expect(await dumpSchema(database.knex)).toBe(schema);
  });
});
