import { listPendingMigrations, listUnknownMigrations } from '@leadwell/migrations/migrate';
import { loadConfig } from '@leadwell/shared/config/config';
import { EARLIER_SCHEMA_ADVICE, isEarlierSchema } from '@leadwell/shared/db/earlier-schema';
import { openDatabase, query, type DatabaseOptions, type Knex } from '@leadwell/shared/db/database';
import { resolveDatabaseUrl } from '@leadwell/shared/runtime/embedded-postgres';
import { CliError } from './errors';

type DatabaseTimeouts = Pick<DatabaseOptions, 'statementTimeoutMs' | 'lockTimeoutMs'>;

/** Runs `work` on the configured database, the schema being up to date, and closes the pool whatever happens. */
export async function withDatabase<T>(
  work: (knex: Knex, url: string) => Promise<T>,
  timeouts: DatabaseTimeouts = {},
): Promise<T> {
  return withAnyDatabase(async (knex, url) => {
    await requireSchema(knex);
    return work(knex, url);
  }, timeouts);
}

/** As withDatabase, whatever the state of the schema. Gives the URL too, which holds a password. */
export async function withAnyDatabase<T>(
  work: (knex: Knex, url: string) => Promise<T>,
  timeouts: DatabaseTimeouts = {},
): Promise<T> {
  const config = loadConfig(process.env);
  const database = await resolveDatabaseUrl(config);
  const knex = openDatabase({ url: database.url, poolSize: 2, applicationName: 'leadwell-cli', ...timeouts });
  try {
    return await work(knex, database.url);
  } finally {
    await knex.destroy();
    await database.release();
  }
}

/** Throws a CliError, with what to do, of a database that a newer version or an unreleased state of this one has made. */
export async function refuseForeignSchema(knex: Knex): Promise<void> {
  if (await isEarlierSchema(knex)) throw new CliError(EARLIER_SCHEMA_ADVICE);
  const unknown = await listUnknownMigrations(knex);
  if (unknown.length > 0)
    throw new CliError(
      `The database is newer than this program, which does not know its ${unknown.join(', ')}. Run the version that made it.`,
    );
}

async function requireSchema(knex: Knex): Promise<void> {
  await refuseForeignSchema(knex);
  const [found] = await query<{ isMigrated: boolean }>(
    knex,
    `SELECT to_regclass('schema_migrations') IS NOT NULL AS "isMigrated"`,
  );
  if (!found?.isMigrated || (await listPendingMigrations(knex)).length > 0)
    throw new CliError('The database schema is not up to date; run `npm run migrate` first.');
}
