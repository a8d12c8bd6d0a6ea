import { execute, query, type Knex } from '../db/database';
import { inTransaction } from '../db/transaction';
import { newId } from '../domain/ids';
import { lockCreditAccount } from '../ledger/lock-account';
import type { DueBatch } from '../repositories/due-batches';

/**
 * Turns what is left of a batch that killed its workers into batches of one row, which keep its deliveries: the
 * poisonous lead fails alone. Raises the fence of the old one, and goes on counting from there: a worker that had the old
 * batch fails on it at its rows, wherever they are now. Lock order: account, batch, enrichments.
 */
export async function splitBatch(knex: Knex, batch: DueBatch): Promise<void> {
  await inTransaction(knex, async (trx) => {
    await lockCreditAccount(trx, batch.orgId);
    const unchanged = await execute(
      trx,
      'UPDATE batches SET fence = fence + 1, lease_until = NULL WHERE id = :id AND fence = :fence AND completed_at IS NULL',
      { id: batch.id, fence: batch.fence },
    );
    if (unchanged === 0) return;
    const rows = await query<{ id: string }>(
      trx,
      `SELECT id FROM enrichments WHERE org_id = :orgId AND batch_id = :id AND status = 'pending' ORDER BY id FOR UPDATE`,
      { orgId: batch.orgId, id: batch.id },
    );
    const splits = rows.map((row) => ({ enrichmentId: row.id, batchId: newId() }));
    await insertSingles(trx, batch, splits);
    await execute(
      trx,
      'UPDATE batches SET completed_at = clock_timestamp(), queued_at = NULL WHERE id = :id',
      { id: batch.id },
    );
  });
}

async function insertSingles(
  trx: Knex.Transaction,
  batch: DueBatch,
  splits: readonly { enrichmentId: string; batchId: string }[],
): Promise<void> {
  const bindings = {
    orgId: batch.orgId,
    batchId: batch.id,
    batchIds: splits.map((split) => split.batchId),
    enrichmentIds: splits.map((split) => split.enrichmentId),
  };
  await execute(
    trx,
    `INSERT INTO batches (id, org_id, request_id, field, priority, size, created_at, deadline_at, next_check_at, deliveries, fence, started_at)
     SELECT s.id, b.org_id, b.request_id, b.field, b.priority, 1, clock_timestamp(), b.deadline_at, clock_timestamp(), b.deliveries, b.fence,
            b.started_at
       FROM batches b CROSS JOIN unnest(:batchIds::uuid[]) AS s (id) WHERE b.id = :batchId`,
    bindings,
  );
  await execute(
    trx,
    `UPDATE enrichments e SET batch_id = s.batch_id
       FROM unnest(:enrichmentIds::uuid[], :batchIds::uuid[]) AS s (id, batch_id) WHERE e.org_id = :orgId AND e.id = s.id`,
    bindings,
  );
}
