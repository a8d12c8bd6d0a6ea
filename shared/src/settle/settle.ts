import { queryPrepared, type Knex } from '../db/database';
import { inTransaction } from '../db/transaction';
import { lockCreditAccount, lockFreeAccounts } from '../ledger/lock-account';
import type { Ending } from '../domain/ending';
import { endGroups, type EndedEnrichments, type EndingBatch } from './end-enrichments';

export interface LeasedBatch extends EndingBatch {
  /** The number this worker got with its lease; anybody who took the batch since has raised it. */
  fence: number;
}

export type SettleResult =
  /** Another has the batch: nothing was changed, nothing of it is ours any more. */
  { stale: true } | ({ stale: false; batchCompleted: boolean } & EndedEnrichments);

/** A group of one batch's enrichments that are to end. */
export interface Settlement {
  batch: LeasedBatch;
  endings: readonly Ending[];
}

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
  const [result] = await settleOrganisation(knex, batch.orgId, [{ batch, endings }]);
  return result as SettleResult;
}

/** As `settle`, for several batches of one organisation in one transaction: it waits for their account once. One result for each, in their order. */
export async function settleOrganisation(
  knex: Knex,
  orgId: string,
  settlements: readonly Settlement[],
): Promise<SettleResult[]> {
  return inTransaction(knex, async (trx) => {
    await lockCreditAccount(trx, orgId);
    return settleLocked(trx, settlements);
  });
}

/**
 * As `settle`, for several batches of several organisations in one transaction; one result for each, in their order. Null: another
 * has the organisation's account at the moment, and nothing of this batch was changed. So nobody waits for one tenant with the
 * account of another in hand: a tenant whose account is held for long delays no other's.
 */
export async function settleTogether(
  knex: Knex,
  settlements: readonly Settlement[],
): Promise<(SettleResult | null)[]> {
  return inTransaction(knex, async (trx) => {
    const orgIds = settlements.map(({ batch }) => batch.orgId);
    const free = await lockFreeAccounts(trx, orgIds);
    const granted = settlements.filter(({ batch }) => free.has(batch.orgId));
    const results = granted.length > 0 ? await settleLocked(trx, granted) : [];
    const resultOf = new Map(granted.map((settlement, i) => [settlement, results[i] as SettleResult]));
    return settlements.map((settlement) => resultOf.get(settlement) ?? null);
  });
}

/** The caller holds the accounts. A batch under another fence is left alone; the others are settled all the same. */
async function settleLocked(
  trx: Knex.Transaction,
  settlements: readonly Settlement[],
): Promise<SettleResult[]> {
  const batches = settlements.map(({ batch }) => batch);
  const ours = await lockBatches(trx, batches);
  const live = settlements.filter(({ batch }) => ours.has(leaseOf(batch)));
  const ended = await endGroups(
    trx,
    live.map(({ batch, endings }) => ({ request: batch, endings })),
  );
  const liveIds = live.map(({ batch }) => batch.id);
  const completed = await completeIfDone(trx, liveIds);
  const endedOf = new Map(live.map((settlement, i) => [settlement, ended[i] as EndedEnrichments]));
  return settlements.map((settlement): SettleResult => {
    const own = endedOf.get(settlement);
    if (!own) return { stale: true };
    return { stale: false, ...own, batchCompleted: completed.has(settlement.batch.id) };
  });
}

/** The batches, by `leaseOf`, that are still under the fence they were leased with. Ids are named twice for the plan: docs/adr/0024. */
async function lockBatches(trx: Knex.Transaction, batches: readonly LeasedBatch[]): Promise<Set<string>> {
  const rows = await queryPrepared<{ id: string; fence: number }>(
    trx,
    `SELECT b.id, b.fence FROM batches b JOIN unnest(:ids::uuid[], :fences::bigint[]) AS l (id, fence)
         ON b.id = l.id AND b.id = ANY(:ids::uuid[])
      WHERE b.fence = l.fence AND b.completed_at IS NULL
      ORDER BY b.id FOR NO KEY UPDATE OF b`,
    { ids: batches.map(({ id }) => id), fences: batches.map(({ fence }) => fence) },
  );
  return new Set(rows.map(leaseOf));
}

function leaseOf({ id, fence }: { id: string; fence: number }): string {
  return `${id} ${fence}`;
}

/**
 * Completes those of these batches that have no pending row; in any case something was settled, so their deliveries start again.
 * A statement of its own, after the UPDATE of the rows: it must see them ended. The caller has locked the batches. Returns the
 * ids of those that are complete.
 */
export async function completeIfDone(
  trx: Knex.Transaction,
  batchIds: readonly string[],
): Promise<Set<string>> {
  const rows = await queryPrepared<{ id: string; completed: boolean }>(
    trx,
    `WITH settled AS MATERIALIZED (
       -- Not EXISTS, for which the planner may read everything that is pending once, where it thinks that this is little.
       SELECT s.id, (SELECT true FROM enrichments e
                      WHERE e.org_id = s.org_id AND e.batch_id = s.id AND e.status = 'pending' LIMIT 1) IS NOT NULL AS has_pending
         FROM batches s WHERE s.id = ANY(:batchIds::uuid[])
     )
     UPDATE batches b
        SET deliveries = 0,
            completed_at = CASE WHEN NOT s.has_pending THEN clock_timestamp() END,
            lease_until = CASE WHEN s.has_pending THEN b.lease_until END,
            queued_at = CASE WHEN s.has_pending THEN b.queued_at END
       FROM settled s
      WHERE b.id = s.id AND b.id = ANY(:batchIds::uuid[])
      RETURNING b.id, completed_at IS NOT NULL AS completed`,
    { batchIds: [...batchIds] },
  );
  return new Set(rows.filter(({ completed }) => completed).map(({ id }) => id));
}
