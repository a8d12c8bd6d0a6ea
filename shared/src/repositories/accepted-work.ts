import { execute, queryPrepared, type Db } from '../db/database';
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

/** What an order is planned by, beside its leads. */
export interface OrderGround {
  /** The database's time, in milliseconds as clients see it: one value for everything that one acceptance writes. */
  at: Date;
  /** The organisation's own order of providers for the field; null: it has none. */
  ownProviders: string[] | null;
  /** Whether any suppression stands, for whomever. */
  hasSuppressions: boolean;
}

/** One statement; what it tells is as of its own snapshot, so an acceptance reads it after it has locked the account. */
export async function readOrderGround(
  db: Db,
  { orgId, field }: { orgId: string; field: Field },
): Promise<OrderGround> {
  const [row] = await queryPrepared<OrderGround>(
    db,
    `SELECT date_trunc('milliseconds', clock_timestamp()) AS at,
            (SELECT providers FROM organisation_waterfalls WHERE org_id = :orgId AND field = :field) AS "ownProviders",
            EXISTS (SELECT FROM suppressions) AS "hasSuppressions"`,
    { orgId, field },
  );
  if (!row) throw new Error('The database tells no time.');
  return row;
}

/** Takes ended rows out of the way of their new round. Only in the transaction that writes it, under the account lock. */
export async function supersedeEnrichments(
  db: Db,
  orgId: string,
  ids: readonly string[],
  at: Date,
): Promise<void> {
  if (ids.length === 0) return;
  const changed = await execute(
    db,
    `UPDATE enrichments SET superseded_at = :at
     WHERE org_id = :orgId AND id = ANY (CAST(:ids AS uuid[])) AND superseded_at IS NULL AND status <> 'pending'`,
    { orgId, at, ids: [...ids] },
  );
  if (changed !== ids.length) throw new Error('An enrichment changed under the account lock.');
}

/** All that an acceptance writes, but for the debit that paid for it and what makes way for it. */
export interface AcceptedWork {
  request: NewRequest;
  /** Of the pending rows; due at once. */
  batches: readonly NewBatch[];
  deadlineAt: Date;
  /** The request's own rows. */
  rows: readonly NewEnrichment[];
  unitPriceCredits: number;
  retryNotFound: boolean;
  /** What the request lists, own and reused rows alike, in selection order. */
  listedIds: readonly string[];
}

/**
 * Writes a request, its batches, its own rows and its list, by one statement however many leads there are. What a lookup
 * answered is finished, what was refused failed, and both cost nothing; the rest is pending at the price.
 */
export async function insertAcceptedWork(db: Db, work: AcceptedWork): Promise<void> {
  const { request, batches, rows } = work;
  await queryPrepared(db, INSERT_ACCEPTED_WORK_SQL, {
    ...request,
    batchPriority: request.priority === 'high' ? 0 : 1,
    deadlineAt: work.deadlineAt,
    batchIds: batches.map((batch) => batch.id),
    batchSizes: batches.map((batch) => batch.size),
    price: work.unitPriceCredits,
    retryNotFound: work.retryNotFound,
    ids: rows.map((row) => row.id),
    leadIds: rows.map((row) => row.leadId),
    batchIdsOfRows: rows.map((row) => row.batchId),
    lookupIds: rows.map((row) => row.lookupId),
    errors: rows.map((row) => row.error),
    listedIds: [...work.listedIds],
  });
}

// Foreign keys are checked at the end of the statement, when all of it is there. Five statements took an accept of one lead a
// quarter longer: four more round trips.
const INSERT_ACCEPTED_WORK_SQL = `
  WITH request AS (
    INSERT INTO requests (id, org_id, created_by, field, mode, priority, total, credits_charged, credit_transaction_id, created_at)
    VALUES (:id, :orgId, :createdBy, :field, :mode, :priority, :total, :creditsCharged, :creditTransactionId, :at)
  ), batch AS (
    INSERT INTO batches (id, org_id, request_id, field, priority, size, created_at, deadline_at, next_check_at)
    SELECT b.id, :orgId, :id, :field, :batchPriority, b.size, :at, :deadlineAt, :at
      FROM unnest(CAST(:batchIds AS uuid[]), CAST(:batchSizes AS integer[])) AS b (id, size)
  ), list AS (
    INSERT INTO request_enrichments (request_id, position, enrichment_id)
    SELECT :id, l.position - 1, l.id FROM unnest(CAST(:listedIds AS uuid[])) WITH ORDINALITY AS l (id, position)
  )
  INSERT INTO enrichments
    (id, org_id, entity_type, entity_id, field, status, error, data_found, created_by, request_id, batch_id, lookup_id,
     retry_not_found, price, credit_transaction_id, refund_transaction_id, created_at, updated_at, ended_at, superseded_at)
  SELECT n.id, :orgId, 'person', n.lead_id, :field,
         CASE WHEN n.batch_id IS NOT NULL THEN 'pending' WHEN n.lookup_id IS NOT NULL THEN 'finished' ELSE 'failed' END, n.error,
         CASE WHEN n.batch_id IS NULL THEN n.lookup_id IS NOT NULL END, :createdBy, :id, n.batch_id, n.lookup_id,
         :retryNotFound, CASE WHEN n.batch_id IS NULL THEN 0 ELSE CAST(:price AS integer) END,
         CASE WHEN n.batch_id IS NULL THEN NULL ELSE CAST(:creditTransactionId AS uuid) END, NULL,
         :at, :at, CASE WHEN n.batch_id IS NULL THEN CAST(:at AS timestamptz) END, NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:leadIds AS uuid[]), CAST(:batchIdsOfRows AS uuid[]), CAST(:lookupIds AS uuid[]),
                CAST(:errors AS text[]))
      AS n (id, lead_id, batch_id, lookup_id, error)`;
