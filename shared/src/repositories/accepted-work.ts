import { execute, query, type Db } from '../db/database';
import type { Field, Priority } from '../domain/enrichment';

export interface NewRequest {
  id: string;
  orgId: string;
  createdBy: string;
  field: Field;
  mode: 'manual' | 'bulk' | 'retry';
  priority: Priority;
  total: number;
  creditsCharged: number;
  creditTransactionId: string | null;
  at: Date;
}

export interface NewBatch {
  id: string;
  size: number;
}

/** A row to be written: pending in a batch, answered at once by a lookup, or refused with a sentence. Exactly one of the three is set. */
export interface NewEnrichment {
  id: string;
  leadId: string;
  batchId: string | null;
  lookupId: string | null;
  /** What else answers the same question; empty unless a lookup does. */
  otherLookupIds: readonly string[];
  error: string | null;
}

/** The database's time, in milliseconds as clients see it: one value for everything that one acceptance writes. */
export async function readClock(db: Db): Promise<Date> {
  const [row] = await query<{ at: Date }>(db, `SELECT date_trunc('milliseconds', clock_timestamp()) AS at`);
  if (!row) throw new Error('The database tells no time.');
  return row.at;
}

/** Takes ended rows out of the way of their new round. Only in the transaction that writes it, under the account lock. */
export async function supersedeEnrichments(db: Db, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return;
  const changed = await execute(
    db,
    `UPDATE enrichments SET superseded_at = :at
     WHERE id = ANY (CAST(:ids AS uuid[])) AND superseded_at IS NULL AND status <> 'pending'`,
    { at, ids: [...ids] },
  );
  if (changed !== ids.length) throw new Error('An enrichment changed under the account lock.');
}

export async function insertRequest(db: Db, request: NewRequest): Promise<void> {
  await execute(
    db,
    `INSERT INTO requests (id, org_id, created_by, field, mode, priority, total, credits_charged, credit_transaction_id, created_at)
     VALUES (:id, :orgId, :createdBy, :field, :mode, :priority, :total, :creditsCharged, :creditTransactionId, :at)`,
    { ...request },
  );
}

/** Writes the batches of a request, due at once. */
export async function insertBatches(
  db: Db,
  request: NewRequest,
  batches: readonly NewBatch[],
  deadlineAt: Date,
): Promise<void> {
  if (batches.length === 0) return;
  await execute(
    db,
    `INSERT INTO batches (id, org_id, request_id, field, priority, size, created_at, deadline_at, next_check_at)
     SELECT b.id, :orgId, :requestId, :field, :priority, b.size, :at, :deadlineAt, :at
     FROM unnest(CAST(:ids AS uuid[]), CAST(:sizes AS integer[])) AS b (id, size)`,
    {
      orgId: request.orgId,
      requestId: request.id,
      field: request.field,
      priority: request.priority === 'high' ? 0 : 1,
      at: request.at,
      deadlineAt,
      ids: batches.map((batch) => batch.id),
      sizes: batches.map((batch) => batch.size),
    },
  );
}

/** Writes a request's own rows in one statement. What a lookup answered is finished, what was refused failed, and both cost nothing; the rest is pending at the price. */
export async function insertEnrichments(
  db: Db,
  request: NewRequest,
  rows: readonly NewEnrichment[],
  terms: { unitPriceCredits: number; retryNotFound: boolean },
): Promise<void> {
  if (rows.length === 0) return;
  await execute(db, INSERT_ENRICHMENTS_SQL, {
    orgId: request.orgId,
    field: request.field,
    createdBy: request.createdBy,
    requestId: request.id,
    at: request.at,
    price: terms.unitPriceCredits,
    retryNotFound: terms.retryNotFound,
    transactionId: request.creditTransactionId,
    ids: rows.map((row) => row.id),
    leadIds: rows.map((row) => row.leadId),
    batchIds: rows.map((row) => row.batchId),
    lookupIds: rows.map((row) => row.lookupId),
    errors: rows.map((row) => row.error),
  });
}

const INSERT_ENRICHMENTS_SQL = `
  INSERT INTO enrichments
    (id, org_id, entity_type, entity_id, field, status, error, data_found, created_by, request_id, batch_id, lookup_id,
     retry_not_found, price, credit_transaction_id, refund_transaction_id, created_at, updated_at, ended_at, superseded_at)
  SELECT n.id, :orgId, 'person', n.lead_id, :field,
         CASE WHEN n.batch_id IS NOT NULL THEN 'pending' WHEN n.lookup_id IS NOT NULL THEN 'finished' ELSE 'failed' END, n.error,
         CASE WHEN n.batch_id IS NULL THEN n.lookup_id IS NOT NULL END, :createdBy, :requestId, n.batch_id, n.lookup_id,
         :retryNotFound, CASE WHEN n.batch_id IS NULL THEN 0 ELSE CAST(:price AS integer) END,
         CASE WHEN n.batch_id IS NULL THEN NULL ELSE CAST(:transactionId AS uuid) END, NULL,
         :at, :at, CASE WHEN n.batch_id IS NULL THEN CAST(:at AS timestamptz) END, NULL
  FROM unnest(CAST(:ids AS uuid[]), CAST(:leadIds AS uuid[]), CAST(:batchIds AS uuid[]), CAST(:lookupIds AS uuid[]),
              CAST(:errors AS text[]))
    AS n (id, lead_id, batch_id, lookup_id, error)`;

/** Writes what a request lists, own and reused rows alike, in selection order. */
export async function insertRequestList(
  db: Db,
  requestId: string,
  enrichmentIds: readonly string[],
): Promise<void> {
  if (enrichmentIds.length === 0) return;
  await execute(
    db,
    `INSERT INTO request_enrichments (request_id, position, enrichment_id)
     SELECT :requestId, l.position - 1, l.id
     FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS l (id, position)`,
    { requestId, ids: [...enrichmentIds] },
  );
}
