import { execute, query, type Db, type Knex } from '../db/database';
import { inTransaction } from '../db/transaction';

/** What lies in months, by the time of its key; the last to be dropped comes last. */
export const MONTHLY_TABLES = {
  requests: 'id',
  request_enrichments: 'request_id',
  attempts: 'enrichment_id',
} as const;
export type MonthlyTable = keyof typeof MONTHLY_TABLES;

/** How long a change of months may wait for a lock: whoever comes after it waits as long. */
const LOCK_LIMIT_MS = 1_000;
const MONTHS_AHEAD = 3;

/**
 * Makes the partitions of this month and the next three, and of every month up to then of which rows lie in a default partition, where they
 * were written because it was not there; they are moved. Gives the names of what was made. Any number of processes may do it
 * at once. One transaction each, under a second's limit for locks: accepts wait for that long at most. Throws where the limit was too short;
 * called again, it goes on.
 */
export async function makeMonths(knex: Knex): Promise<string[]> {
  const made: string[] = [];
  for (const { table, month } of await listMissing(knex)) {
    const isNew = await inTransaction(knex, async (trx) => {
      await limitLocks(trx);
      // Two that make the same month would collide at its name.
      await execute(trx, `SELECT pg_advisory_xact_lock(hashtext('leadwell months'))`);
      const [row] = await query<{ isNew: boolean }>(
        trx,
        'SELECT make_month(:table, CAST(:month AS timestamptz)) AS "isNew"',
        { table, month },
      );
      return row?.isNew ?? false;
    });
    if (isNew) made.push(`${table} ${month.slice(0, 7)}`);
  }
  return made;
}

/** From here on no statement of the transaction waits longer than a second for a lock. */
export async function limitLocks(trx: Knex.Transaction): Promise<void> {
  await execute(trx, `SELECT set_config('lock_timeout', :limit, true)`, { limit: String(LOCK_LIMIT_MS) });
}

function listMissing(db: Db): Promise<{ table: MonthlyTable; month: string }[]> {
  const wanted = eachTable(
    (table, key) => `
    SELECT '${table}' AS "table", date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + n * interval '1 month' AS month
      FROM generate_series(0, ${MONTHS_AHEAD}) AS n
     UNION
    SELECT '${table}', date_trunc('month', time_of_id(${key}) AT TIME ZONE 'UTC') FROM ${table}_default
     WHERE ${key} < first_id_at(clock_timestamp() + interval '${MONTHS_AHEAD} months')`,
  );
  return query(
    db,
    `SELECT w."table", to_char(w.month, 'YYYY-MM-DD"T"00:00:00"Z"') AS month FROM (${wanted}) w
      WHERE to_regclass(w."table" || to_char(w.month, '_YYYY_MM')) IS NULL ORDER BY w.month, w."table"`,
  );
}

function eachTable(sql: (table: MonthlyTable, key: string) => string): string {
  return Object.entries(MONTHLY_TABLES)
    .map(([table, key]) => sql(table as MonthlyTable, key))
    .join(' UNION ALL ');
}

export interface MonthsState {
  /** Months from now on that are there for every table, this one included. */
  monthsAhead: number;
  /** Rows whose month is not there, by table. */
  strayRows: Record<MonthlyTable, number>;
}

/** Reads the catalogue and the default partitions, which hold next to nothing. */
export async function getMonthsState(db: Db): Promise<MonthsState> {
  const [months] = await query<{ monthsAhead: number }>(
    db,
    `SELECT count(*)::int AS "monthsAhead"
       FROM generate_series(0, ${MONTHS_AHEAD}) AS n
      WHERE NOT EXISTS (
        SELECT FROM unnest(CAST(:tables AS text[])) AS t
         WHERE to_regclass(t || to_char(clock_timestamp() AT TIME ZONE 'UTC' + n * interval '1 month', '_YYYY_MM')) IS NULL)`,
    { tables: Object.keys(MONTHLY_TABLES) },
  );
  const rows = await query<{ table: MonthlyTable; strays: number }>(
    db,
    eachTable((table) => `SELECT '${table}' AS "table", count(*)::int AS strays FROM ${table}_default`),
  );
  const strayRows = Object.fromEntries(rows.map(({ table, strays }) => [table, strays]));
  return { monthsAhead: months?.monthsAhead ?? 0, strayRows: strayRows as Record<MonthlyTable, number> };
}
