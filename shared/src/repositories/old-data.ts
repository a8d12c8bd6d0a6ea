/** What `data drop` sees and removes. "Before" is the beginning of a month (UTC) as PostgreSQL writes it; what is kept began then or later. */
import { execute, query, type Db, type Knex } from '../db/database';
import { deleteInPortions } from '../db/delete-in-portions';
import { inTransaction } from '../db/transaction';
import { limitLocks, MONTHLY_TABLES, type MonthlyTable } from './months';

/** The beginning of the month that lies `months` before now: whole months that ended by then are older. */
export async function readCutOff(db: Db, months: number): Promise<string> {
  const [row] = await query<{ before: string }>(
    db,
    `SELECT to_char(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC' - make_interval(months => :months)),
                    'YYYY-MM-DD"T"00:00:00"Z"') AS before`,
    { months },
  );
  return row?.before as string;
}

const OLD_ID = 'first_id_at(CAST(:before AS timestamptz))';

/** Batches that are open, and rows that are pending, of requests and enrichments from before. */
export async function countOpenWork(db: Db, before: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    db,
    `SELECT (SELECT count(*) FROM batches WHERE completed_at IS NULL AND request_id < ${OLD_ID})
          + (SELECT count(*) FROM enrichments WHERE status = 'pending' AND id < ${OLD_ID}) AS count`,
    { before },
  );
  return row?.count ?? 0;
}

export interface OldMonth {
  table: MonthlyTable;
  /** The partition. */
  name: string;
  /** As 2026-05. */
  month: string;
  /** Counted by the last ANALYZE, and exactly where there was none. */
  rows: number;
  /** Indexes included. */
  bytes: number;
}

/** The whole months from before, in the order in which they may be dropped: requests first, since lists without theirs are seen by nobody. */
export async function listOldMonths(db: Db, before: string): Promise<OldMonth[]> {
  const months = await query<OldMonth & { isCounted: boolean }>(
    db,
    `SELECT t.name AS "table", c.relname AS name, replace(right(c.relname, 7), '_', '-') AS month,
            greatest(c.reltuples, 0)::bigint AS rows, c.reltuples >= 0 AS "isCounted", pg_total_relation_size(c.oid) AS bytes
       FROM unnest(CAST(:tables AS text[])) WITH ORDINALITY AS t (name, place)
       JOIN pg_inherits i ON i.inhparent = to_regclass(t.name)
       JOIN pg_class c ON c.oid = i.inhrelid
      WHERE c.relname ~ '_[0-9]{4}_[0-9]{2}$' AND to_date(right(c.relname, 7), 'YYYY_MM') < CAST(:before AS timestamptz) AT TIME ZONE 'UTC'
      ORDER BY t.place, c.relname`,
    { before, tables: Object.keys(MONTHLY_TABLES) },
  );
  for (const month of months) if (!month.isCounted) month.rows = await countRows(db, month.name);
  return months.map(({ table, name, month, rows, bytes }) => ({ table, name, month, rows, bytes }));
}

async function countRows(db: Db, partition: string): Promise<number> {
  const [row] = await query<{ count: number }>(db, 'SELECT count(*) AS count FROM ??', [partition]);
  return row?.count ?? 0;
}

/** What goes row by row: completed batches, rows in no month, and answers that expired. */
export interface OldRows {
  batches: number;
  strays: number;
  lookups: number;
}

export async function countOldRows(db: Db, before: string): Promise<OldRows> {
  const strays = Object.entries(MONTHLY_TABLES)
    .map(([table, key]) => `(SELECT count(*) FROM ${table}_default WHERE ${key} < ${OLD_ID})`)
    .join(' + ');
  const [row] = await query<OldRows>(
    db,
    `SELECT (SELECT count(*) FROM batches WHERE request_id < ${OLD_ID} AND completed_at IS NOT NULL) AS batches, ${strays} AS strays,
            (SELECT count(*) FROM lookups WHERE id < ${OLD_ID} AND expires_at < CAST(:before AS timestamptz)) AS lookups`,
    { before },
  );
  return row as OldRows;
}

/** Deletes completed batches of requests from before; gives how many. None waits for another's rows. */
export function deleteOldBatches(db: Db, before: string): Promise<number> {
  return deleteInPortions((limit) =>
    execute(
      db,
      `DELETE FROM batches WHERE id IN (
         SELECT id FROM batches WHERE request_id < ${OLD_ID} AND completed_at IS NOT NULL LIMIT :limit FOR UPDATE SKIP LOCKED)`,
      { before, limit },
    ),
  );
}

/** Deletes what lies in the default partitions and is from before; gives how many rows. */
export async function deleteOldStrays(db: Db, before: string): Promise<number> {
  let total = 0;
  for (const [table, key] of Object.entries(MONTHLY_TABLES)) {
    total += await deleteInPortions((limit) =>
      execute(
        db,
        `DELETE FROM ${table}_default WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM ${table}_default WHERE ${key} < ${OLD_ID} LIMIT :limit))`,
        { before, limit },
      ),
    );
  }
  return total;
}

const LOOKED_AT_AT_ONCE = 10_000;

/**
 * Deletes answers that were asked for and expired before: they are as absent. One that is asked again meanwhile is skipped, or seen as it is
 * then. Walks their key once, so that those that are kept are not read again and again. Gives how many.
 */
export async function deleteExpiredLookups(db: Db, before: string): Promise<number> {
  let total = 0;
  for (let afterId = '00000000-0000-0000-0000-000000000000'; ;) {
    const [page] = await query<{ lastId: string | null; deleted: number }>(
      db,
      `WITH page AS (
         SELECT id FROM lookups WHERE id > :afterId AND id < ${OLD_ID} ORDER BY id LIMIT ${LOOKED_AT_AT_ONCE}
       ), expired AS (
         SELECT id FROM lookups WHERE id IN (SELECT id FROM page) AND expires_at < CAST(:before AS timestamptz) FOR UPDATE SKIP LOCKED
       ), deleted AS (
         DELETE FROM lookups WHERE id IN (SELECT id FROM expired) RETURNING 1
       )
       SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS "lastId", (SELECT count(*) FROM deleted) AS deleted`,
      { before, afterId },
    );
    total += page?.deleted ?? 0;
    if (!page?.lastId) return total;
    afterId = page.lastId;
  }
}

/**
 * Drops one month of one table. The table is locked against everybody for as long as the catalogue takes; accepts wait for a second at
 * most, then this fails (55P03) and changes nothing: try again. With a month of requests go their last completed batches, read
 * under that lock, which no accept shares: false where one of them is open, and the month stays.
 */
export async function dropMonth(knex: Knex, { table, name, month }: OldMonth): Promise<boolean> {
  return inTransaction(knex, async (trx) => {
    await limitLocks(trx);
    await execute(trx, 'LOCK TABLE ONLY ?? IN ACCESS EXCLUSIVE MODE', [table]);
    if (table === 'requests' && !(await deleteLastBatches(trx, month))) return false;
    await execute(trx, 'DROP TABLE ??', [name]);
    return true;
  });
}

async function deleteLastBatches(trx: Knex.Transaction, month: string): Promise<boolean> {
  const bindings = { begins: `${month}-01T00:00:00Z` };
  const ofMonth = `request_id >= first_id_at(CAST(:begins AS timestamptz))
    AND request_id < first_id_at((CAST(:begins AS timestamptz) AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC')`;
  const open = await query(
    trx,
    `SELECT 1 FROM batches WHERE ${ofMonth} AND completed_at IS NULL LIMIT 1`,
    bindings,
  );
  if (open.length > 0) return false;
  await execute(trx, `DELETE FROM batches WHERE ${ofMonth}`, bindings);
  return true;
}
