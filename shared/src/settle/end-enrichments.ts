import { newId } from '../domain/ids';
import { PENDING, type Field } from '../domain/enrichment';
import { executePrepared, queryPrepared, type Knex } from '../db/database';
import { refundCredits, type Refund } from '../ledger/refund';
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

/** What is to end, of one request. */
export interface EndingGroup {
  request: EndingRequest;
  endings: readonly Ending[];
}

/** As endGroups, for the enrichments of one request. */
export async function endEnrichments(
  trx: Knex.Transaction,
  request: EndingRequest,
  endings: readonly Ending[],
  refundedBecause?: string,
): Promise<EndedEnrichments> {
  const [ended] = await endGroups(trx, [{ request, endings }], refundedBecause);
  return ended as EndedEnrichments;
}

/**
 * Ends enrichments inside the caller's transaction, stores their values and refunds what found nothing, once: money
 * and values follow from the rows that the UPDATE returned, so that a second settle of the same rows changes nothing.
 * An ending as found whose lookup holds no hit any more is left pending, and named. Who is suppressed ends as failed, refunded,
 * whatever was found. Gives what became of each group, in their order; a request that stands in several is refunded once for all.
 *
 * The caller holds, in this order, the credit accounts and the batches (see docs/architecture.md, lock order).
 * `refundedBecause` ends the sentence that the history tells of the refund.
 */
export async function endGroups(
  trx: Knex.Transaction,
  groups: readonly EndingGroup[],
  refundedBecause = 'ended without data',
): Promise<EndedEnrichments[]> {
  const requestOf = new Map(
    groups.flatMap(({ request, endings }) => endings.map(({ enrichmentId }) => [enrichmentId, request])),
  );
  const orgIdOf = (enrichmentId: string): string => requestOf.get(enrichmentId)?.orgId as string;
  const wanted = groups.flatMap(({ endings }) => endings);
  await lockPending(trx, wanted, orgIdOf);
  const endings = await refuseSuppressed(trx, wanted, orgIdOf);
  const hits = await listHits(trx, endings.flatMap(hitIdsOf));
  const usable = endings.filter((ending) => !ending.found || hits.has(ending.lookupId));
  const refundIds = new Map(groups.map(({ request }) => [request.requestId, newId()]));
  const refundIdOf = (id: string): string => refundIds.get(requestOf.get(id)?.requestId ?? '') as string;
  const ended = await updateEnded(trx, usable, orgIdOf, refundIdOf);
  const rowsOf = groupByRequest(ended, ({ id }) => requestOf.get(id) as EndingRequest);
  await refundCredits(
    trx,
    rowsOf.flatMap(([request, rows]) =>
      refundOf(request, rows, { id: refundIds.get(request.requestId) as string, refundedBecause }),
    ),
  );
  const hitIds = new Map(usable.map((ending) => [ending.enrichmentId, hitIdsOf(ending)]));
  const values = rowsOf.flatMap(([{ orgId }, rows]) =>
    rows.flatMap((row) => (hitIds.get(row.id) ?? []).flatMap((id) => valuesOf(row, orgId, hits.get(id)))),
  );
  await upsertLeadValues(trx, values);
  const endedById = new Map(ended.map((row) => [row.id, row]));
  await insertEndedAttempts(
    trx,
    usable.filter((ending) => endedById.has(ending.enrichmentId)),
  );
  const lacking = new Set(
    endings.filter((ending) => !usable.includes(ending)).map(({ enrichmentId }) => enrichmentId),
  );
  return groups.map((group) => endedOf(group, endedById, lacking));
}

function endedOf(
  { endings }: EndingGroup,
  endedById: ReadonlyMap<string, EndedRow>,
  lacking: ReadonlySet<string>,
): EndedEnrichments {
  const ids = endings.map(({ enrichmentId }) => enrichmentId);
  const rows = ids.flatMap((id) => endedById.get(id) ?? []);
  return {
    ended: new Set(rows.map(({ id }) => id)),
    withoutHit: new Set(ids.filter((id) => lacking.has(id))),
    refundedCredits: rows.filter(isRefunded).reduce((sum, { price }) => sum + price, 0),
  };
}

/** In id order and as a statement of its own: an UPDATE from a list locks in the order of its plan. */
async function lockPending(
  trx: Knex.Transaction,
  endings: readonly Ending[],
  orgIdOf: (enrichmentId: string) => string,
): Promise<void> {
  await executePrepared(
    trx,
    `SELECT e.id
       FROM (SELECT * FROM unnest(:orgIds::uuid[], :ids::uuid[]) AS u (org_id, id) ORDER BY id) w
      CROSS JOIN LATERAL (
        SELECT id FROM enrichments WHERE org_id = w.org_id AND id = w.id AND status = :pending LIMIT 1 FOR UPDATE
      ) e`,
    {
      pending: PENDING,
      orgIds: endings.map((ending) => orgIdOf(ending.enrichmentId)),
      ids: endings.map((ending) => ending.enrichmentId),
    },
  );
}

async function updateEnded(
  trx: Knex.Transaction,
  endings: readonly Ending[],
  orgIdOf: (enrichmentId: string) => string,
  refundIdOf: (enrichmentId: string) => string,
): Promise<EndedRow[]> {
  return queryPrepared<EndedRow>(
    trx,
    `UPDATE enrichments e
        SET status = w.status, error = w.error, data_found = w.found, lookup_id = w.lookup_id,
            refund_transaction_id = CASE WHEN NOT w.found AND e.price > 0 THEN w.refund_id END,
            updated_at = clock_timestamp(), ended_at = clock_timestamp()
       FROM unnest(:orgIds::uuid[], :ids::uuid[], :statuses::text[], :errors::text[], :founds::boolean[], :lookupIds::uuid[], :refundIds::uuid[])
              AS w (org_id, id, status, error, found, lookup_id, refund_id)
      WHERE e.org_id = w.org_id AND e.id = w.id AND e.status = :pending
      RETURNING e.id, e.entity_id AS "entityId", e.price, e.data_found AS "dataFound"`,
    {
      pending: PENDING,
      refundIds: endings.map((ending) => refundIdOf(ending.enrichmentId)),
      orgIds: endings.map((ending) => orgIdOf(ending.enrichmentId)),
      ids: endings.map((ending) => ending.enrichmentId),
      statuses: endings.map((ending) => (ending.found ? 'finished' : ending.status)),
      errors: endings.map((ending) => (ending.found ? null : ending.error)),
      founds: endings.map((ending) => ending.found),
      lookupIds: endings.map((ending) => ending.lookupId),
    },
  );
}

/** What a request gets back for those of its rows that found nothing; nothing where none was paid for. */
function refundOf(
  { orgId, requestId, field }: EndingRequest,
  ended: readonly EndedRow[],
  { id, refundedBecause }: { id: string; refundedBecause: string },
): Refund[] {
  const refunded = ended.filter(isRefunded);
  if (refunded.length === 0) return [];
  const amountCredits = refunded.reduce((sum, row) => sum + row.price, 0);
  const enrichmentCount = refunded.length;
  const reason = `${enrichmentCount} ${enrichmentCount === 1 ? 'lead' : 'leads'} ${refundedBecause}`;
  return [{ ...{ id, orgId, requestId, field }, amountCredits, enrichmentCount, reason }];
}

function isRefunded(row: EndedRow): boolean {
  return !row.dataFound && row.price > 0;
}

/** Rows by the request that they belong to. */
function groupByRequest(
  rows: readonly EndedRow[],
  requestOf: (row: EndedRow) => EndingRequest,
): [EndingRequest, EndedRow[]][] {
  const groups = new Map<string, [EndingRequest, EndedRow[]]>();
  for (const row of rows) {
    const request = requestOf(row);
    const group = groups.get(request.requestId);
    if (group) group[1].push(row);
    else groups.set(request.requestId, [request, [row]]);
  }
  return [...groups.values()];
}

function valuesOf(row: EndedRow, orgId: string, hit: StoredHit | undefined): FoundValue[] {
  if (!hit) return [];
  const origin = {
    orgId,
    leadId: row.entityId,
    provider: hit.provider,
    enrichmentId: row.id,
    foundAt: hit.answeredAt,
  };
  return hit.candidates.map((candidate) => ({ ...candidate, ...origin }));
}
