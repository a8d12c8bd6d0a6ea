import { newId } from '../domain/ids';
import type { Field } from '../domain/enrichment';
import { execute, query, type Knex } from '../db/database';
import { refundCredits } from '../ledger/refund';
import { insertEndedAttempts } from '../repositories/attempts';
import { upsertLeadValues, type FoundValue } from '../repositories/lead-values';
import { listHits, type StoredHit } from '../repositories/lookups';
import { hitIdsOf, type Ending } from '../domain/ending';
import { refuseSuppressed } from './refuse-suppressed';

/** Whose enrichments end, and which request their refund belongs to. */
export interface EndingRequest {
  orgId: string;
  requestId: string;
  field: Field;
}

export interface EndingBatch extends EndingRequest {
  id: string;
}

/** Ids of enrichments. What is in neither set had ended before. */
export interface EndedEnrichments {
  ended: ReadonlySet<string>;
  /** Still pending: the hit that was to answer them is gone. */
  withoutHit: ReadonlySet<string>;
  /** Given back for them, in one transaction; 0 where none was paid for. */
  refundedCredits: number;
}

interface EndedRow {
  id: string;
  entityId: string;
  price: number;
  dataFound: boolean;
}

/**
 * Ends enrichments inside the caller's transaction, stores their values and refunds what found nothing, once: money
 * and values follow from the rows that the UPDATE returned, so that a second settle of the same rows changes nothing.
 * An ending as found whose lookup holds no hit any more is left pending, and named. Who is suppressed ends as failed, refunded,
 * whatever was found.
 *
 * The caller holds, in this order, the credit account and the batches (see docs/architecture.md, lock order).
 * `refundedBecause` ends the sentence that the history tells of the refund.
 */
export async function endEnrichments(
  trx: Knex.Transaction,
  request: EndingRequest,
  wanted: readonly Ending[],
  refundedBecause = 'ended without data',
): Promise<EndedEnrichments> {
  await lockPending(trx, wanted);
  const endings = await refuseSuppressed(trx, wanted);
  const hits = await listHits(trx, endings.flatMap(hitIdsOf));
  const usable = endings.filter((ending) => !ending.found || hits.has(ending.lookupId));
  const refundId = newId();
  const ended = await updateEnded(trx, usable, refundId);
  const refundedCredits = await refundEnded(trx, request, ended, { refundId, refundedBecause });
  const hitIds = new Map(usable.map((ending) => [ending.enrichmentId, hitIdsOf(ending)]));
  const values = ended.flatMap((row) =>
    (hitIds.get(row.id) ?? []).flatMap((id) => valuesOf(row, hits.get(id))),
  );
  await upsertLeadValues(trx, request.orgId, values);
  const endedIds = new Set(ended.map((row) => row.id));
  await insertEndedAttempts(
    trx,
    usable.filter((ending) => endedIds.has(ending.enrichmentId)),
  );
  const withoutHit = endings
    .filter((ending) => !usable.includes(ending))
    .map((ending) => ending.enrichmentId);
  return { ended: endedIds, withoutHit: new Set(withoutHit), refundedCredits };
}

/** In id order and as a statement of its own: an UPDATE from a list locks in the order of its plan. */
async function lockPending(trx: Knex.Transaction, endings: readonly Ending[]): Promise<void> {
  await execute(
    trx,
    `SELECT id FROM enrichments WHERE id = ANY(:ids::uuid[]) AND status = 'pending' ORDER BY id FOR UPDATE`,
    { ids: endings.map((ending) => ending.enrichmentId) },
  );
}

async function updateEnded(
  trx: Knex.Transaction,
  endings: readonly Ending[],
  refundId: string,
): Promise<EndedRow[]> {
  return query<EndedRow>(
    trx,
    `UPDATE enrichments e
        SET status = w.status, error = w.error, data_found = w.found, lookup_id = w.lookup_id,
            refund_transaction_id = CASE WHEN NOT w.found AND e.price > 0 THEN :refundId::uuid END,
            updated_at = clock_timestamp(), ended_at = clock_timestamp()
       FROM unnest(:ids::uuid[], :statuses::text[], :errors::text[], :founds::boolean[], :lookupIds::uuid[])
              AS w (id, status, error, found, lookup_id)
      WHERE e.id = w.id AND e.status = 'pending'
      RETURNING e.id, e.entity_id AS "entityId", e.price, e.data_found AS "dataFound"`,
    {
      refundId,
      ids: endings.map((ending) => ending.enrichmentId),
      statuses: endings.map((ending) => (ending.found ? 'finished' : ending.status)),
      errors: endings.map((ending) => (ending.found ? null : ending.error)),
      founds: endings.map((ending) => ending.found),
      lookupIds: endings.map((ending) => ending.lookupId),
    },
  );
}

async function refundEnded(
  trx: Knex.Transaction,
  request: EndingRequest,
  ended: readonly EndedRow[],
  refund: { refundId: string; refundedBecause: string },
): Promise<number> {
  const refunded = ended.filter((row) => !row.dataFound && row.price > 0);
  if (refunded.length === 0) return 0;
  const amountCredits = refunded.reduce((sum, row) => sum + row.price, 0);
  await refundCredits(trx, {
    id: refund.refundId,
    orgId: request.orgId,
    requestId: request.requestId,
    field: request.field,
    amountCredits,
    enrichmentCount: refunded.length,
    reason: `${refunded.length} ${refunded.length === 1 ? 'lead' : 'leads'} ${refund.refundedBecause}`,
  });
  return amountCredits;
}

function valuesOf(row: EndedRow, hit: StoredHit | undefined): FoundValue[] {
  if (!hit) return [];
  const origin = {
    leadId: row.entityId,
    provider: hit.provider,
    enrichmentId: row.id,
    foundAt: hit.answeredAt,
  };
  return hit.candidates.map((candidate) => ({ ...candidate, ...origin }));
}
