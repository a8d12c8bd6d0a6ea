import { query, type Knex } from '../db/database';
import { inTransaction } from '../db/transaction';
import { lockCreditAccount } from '../ledger/lock-account';
import type { Ending } from '../domain/ending';
import { endEnrichments, type EndedEnrichments, type EndingBatch } from './end-enrichments';

export interface LeasedBatch extends EndingBatch {
  /** The number this worker got with its lease; anybody who took the batch since has raised it. */
  fence: number;
}

export type SettleResult =
  /** Another has the batch: nothing was changed, nothing of it is ours any more. */
  { stale: true } | ({ stale: false; batchCompleted: boolean } & EndedEnrichments);

/**
 * The worker's settle: ends a group of one batch's enrichments, stores values, refunds, and completes the batch with
 * its last row, all or nothing. Runs again without effect: rows that ended are no longer pending. A late worker, whose
 * lease was taken over, fails on the fence. Lock order: credit account, batch, enrichments, lookups.
 */
export async function settle(
  knex: Knex,
  batch: LeasedBatch,
  endings: readonly Ending[],
): Promise<SettleResult> {
  return inTransaction(knex, async (trx) => {
    await lockCreditAccount(trx, batch.orgId);
    if (!(await lockBatch(trx, batch))) return { stale: true };
    const ended = await endEnrichments(trx, batch, endings);
    return { stale: false, ...ended, batchCompleted: await completeIfDone(trx, batch.id) };
  });
}

async function lockBatch(trx: Knex.Transaction, batch: LeasedBatch): Promise<boolean> {
  const rows = await query(
    trx,
    'SELECT 1 FROM batches WHERE id = :id AND fence = :fence AND completed_at IS NULL FOR NO KEY UPDATE',
    { id: batch.id, fence: batch.fence },
  );
  return rows.length > 0;
}

/**
 * Completes a batch without pending rows; in any case something was settled, so its deliveries start again.
 * A statement of its own, after the UPDATE of the rows: it must see them ended. Returns whether the batch is complete.
 */
export async function completeIfDone(trx: Knex.Transaction, batchId: string): Promise<boolean> {
  const [row] = await query<{ completed: boolean }>(
    trx,
    `WITH remaining AS (
       SELECT EXISTS (SELECT 1 FROM enrichments WHERE batch_id = :batchId AND status = 'pending') AS some
     )
     UPDATE batches b
        SET deliveries = 0,
            completed_at = CASE WHEN NOT r.some THEN clock_timestamp() END,
            lease_until = CASE WHEN r.some THEN b.lease_until END,
            queued_at = CASE WHEN r.some THEN b.queued_at END
       FROM remaining r
      WHERE b.id = :batchId
      RETURNING completed_at IS NOT NULL AS completed`,
    { batchId },
  );
  return row?.completed ?? false;
}
