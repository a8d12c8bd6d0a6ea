import { query, type Db } from '@leadwell/shared/db/database';
import { inTransaction } from '@leadwell/shared/db/transaction';

/**
 * Reads of a search, planned for their own values: PostgreSQL may read a table whole where most of it matches. The sessions otherwise
 * forbid that, since the plans of prepared statements are kept while tables grow (docs/adr/0022). Statements of a search are not prepared.
 */
export async function planByValues<T>(db: Db, read: (db: Db) => Promise<T>): Promise<T> {
  if (!db.isTransaction) {
    return inTransaction(db, async (trx) => {
      await query(trx, "SELECT set_config('enable_seqscan', 'on', true)");
      return read(trx);
    });
  }
  // The statements behind it in the caller's transaction are prepared ones.
  const [before] = await query<{ scans: string }>(
    db,
    "SELECT current_setting('enable_seqscan') AS scans, set_config('enable_seqscan', 'on', true)",
  );
  const result = await read(db);
  await query(db, "SELECT set_config('enable_seqscan', :scans, true)", { scans: before?.scans ?? 'on' });
  return result;
}
