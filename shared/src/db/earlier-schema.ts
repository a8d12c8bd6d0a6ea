import { type Db, query } from './database';

/** What to do about a database that a checkout from before the first release made. */
export const EARLIER_SCHEMA_ADVICE =
  'This database was made by an earlier, unreleased state of Leadwell, and no migration leads on from there. ' +
  'If it holds nothing of worth, delete it (what npm start made: the directory .data) and run `npm run migrate` on an empty one. ' +
  'Else save its results first, with the checkout that made it: GET …/requests/{id}/results.';

/** Whether this database is such a one. Changes nothing; false of an empty database. */
export async function isEarlierSchema(db: Db): Promise<boolean> {
  const [found] = await query<{ isMigrated: boolean }>(
    db,
    `SELECT to_regclass('schema_migrations') IS NOT NULL AS "isMigrated"`,
  );
  if (!found?.isMigrated) return false;
  const [state] = await query<{ isEarlier: boolean }>(
    db,
    // Until the first release the schema is one migration. No state before its last had partitions.
    `SELECT EXISTS (SELECT FROM schema_migrations WHERE name = '0001_initial')
        AND NOT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = to_regclass('enrichments')) AS "isEarlier"`,
  );
  return state?.isEarlier ?? false;
}
