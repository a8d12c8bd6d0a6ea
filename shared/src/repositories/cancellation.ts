import { execute, query, type Db } from '../db/database';

/** A row that a request lists, pending or cancelled, as its cancel sees it. */
export interface CancelCandidate {
  enrichmentId: string;
  status: 'pending' | 'cancelled';
  /** Made, and paid for where it had a price, by this request; otherwise another's, that it found under way. */
  isOwn: boolean;
  /** A provider has been asked, or is about to be. */
  isAsked: boolean;
  /** Another request lists it that was not cancelled itself. */
  isListedElsewhere: boolean;
}

/**
 * Locks a request's open batches, then its own pending rows, each in id order; gives the batches. An ask that is being
 * written holds its rows FOR SHARE: this waits for it, and a later statement sees its attempts. An ask that comes later
 * waits for this, and then finds the rows no longer pending.
 */
export async function lockRequestWork(
  db: Db,
  request: { orgId: string; requestId: string },
): Promise<string[]> {
  const batches = await query<{ id: string }>(
    db,
    `SELECT id FROM batches WHERE request_id = :requestId AND completed_at IS NULL ORDER BY id FOR NO KEY UPDATE`,
    { requestId: request.requestId },
  );
  await execute(
    db,
    `SELECT id FROM enrichments
      WHERE org_id = :orgId AND request_id = :requestId AND status = 'pending' ORDER BY id FOR UPDATE`,
    request,
  );
  return batches.map((batch) => batch.id);
}

/**
 * What a request lists that is pending, or that it cancelled, in selection order. To be read by a statement later than
 * lockRequestWork. A request that lists a pending row is open, unless it was cancelled.
 */
export function listCancelCandidates(
  db: Db,
  request: { orgId: string; requestId: string },
): Promise<CancelCandidate[]> {
  return query<CancelCandidate>(
    db,
    `SELECT e.id AS "enrichmentId", e.status, e.request_id = :requestId AS "isOwn",
            EXISTS (SELECT 1 FROM attempts a WHERE a.enrichment_id = e.id) AS "isAsked",
            EXISTS (
              SELECT 1 FROM request_enrichments o JOIN requests r ON r.id = o.request_id
               WHERE o.enrichment_id = e.id AND o.request_id <> :requestId AND r.cancelled_at IS NULL
            ) AS "isListedElsewhere"
       FROM request_enrichments l JOIN enrichments e ON e.org_id = :orgId AND e.id = l.enrichment_id
      WHERE l.request_id = :requestId
        AND (e.status = 'pending' OR (e.status = 'cancelled' AND e.request_id = :requestId))
      ORDER BY l.position`,
    request,
  );
}

/** Notes that a request was cancelled; the first time counts. */
export async function markRequestCancelled(db: Db, requestId: string): Promise<void> {
  await execute(
    db,
    'UPDATE requests SET cancelled_at = clock_timestamp() WHERE id = :requestId AND cancelled_at IS NULL',
    { requestId },
  );
}

/**
 * Completes those of the batches that have no pending row left; gives how many. Raises their fences: a worker that has one
 * drops what it still holds of it. A statement later than the UPDATE of the rows; the caller holds the batches.
 */
export function completeEmptyBatches(db: Db, batchIds: readonly string[]): Promise<number> {
  return execute(
    db,
    `UPDATE batches b SET completed_at = clock_timestamp(), fence = fence + 1, queued_at = NULL, lease_until = NULL
      WHERE b.id = ANY (CAST(:batchIds AS uuid[])) AND b.completed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM enrichments e WHERE e.org_id = b.org_id AND e.batch_id = b.id AND e.status = 'pending')`,
    { batchIds: [...batchIds] },
  );
}
