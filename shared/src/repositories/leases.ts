import { execute, query, queryPrepared, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';
import type { LeadInputs } from '../domain/question';
import {
  DELIVERIES_AT_MOST,
  DELIVERIES_BEFORE_SPLIT,
  LEASE_AT_MOST_SECONDS,
  NOT_BEFORE_AT_MOST_SECONDS,
} from './due-batches';

export interface Lease {
  id: string;
  orgId: string;
  requestId: string;
  field: Field;
  fence: number;
  /** Leases since something was last settled, this one included: 2 or more means that a worker died with it. */
  deliveries: number;
  /** The providers that its organisation has asked, where it has an order of its own. */
  ownProviders: string[] | null;
}

export interface ClaimLeasesOptions {
  batchIds: readonly string[];
  leaseSeconds: number;
  /** Shown in `leased_by`. */
  workerName: string;
  /** Take batches also if they came back from a worker that died with them. */
  alsoReturned: boolean;
}

export interface ClaimLeaseOptions extends Omit<ClaimLeasesOptions, 'batchIds'> {
  batchId: string;
}

/**
 * Nobody has it, it is not to wait, and it is not the relay's to split or give up: a job that BullMQ delivers again may come before
 * the relay has looked, and a third death would then fail the neighbours of a poisonous lead.
 * A time further ahead than it can have been set counts as passed: clocks jump.
 */
const FREE = `completed_at IS NULL
        AND (lease_until IS NULL OR lease_until <= clock_timestamp()
             OR lease_until > clock_timestamp() + make_interval(secs => :leaseAtMostSeconds))
        AND (not_before IS NULL OR not_before <= clock_timestamp()
             OR not_before > clock_timestamp() + make_interval(secs => :notBeforeAtMostSeconds))
        AND (deliveries < :deliveriesBeforeSplit
             OR deliveries < :deliveriesAtMost
                AND (SELECT count(*) FROM enrichments e
                      WHERE e.org_id = batches.org_id AND e.batch_id = batches.id AND e.status = 'pending') <= 1)`;

const FREE_BINDINGS = {
  leaseAtMostSeconds: LEASE_AT_MOST_SECONDS,
  notBeforeAtMostSeconds: NOT_BEFORE_AT_MOST_SECONDS,
  deliveriesBeforeSplit: DELIVERIES_BEFORE_SPLIT,
  deliveriesAtMost: DELIVERIES_AT_MOST,
};

/**
 * Takes the free ones of these batches for `leaseSeconds`, each under a new fence, in id order as leases are renewed. Left out is what is
 * not free, or returned and not wanted; of several also what another has locked at the moment, so that none waits for its neighbour:
 * asked for alone, a batch is waited for.
 */
export async function claimLeases(db: Db, { batchIds, ...options }: ClaimLeasesOptions): Promise<Lease[]> {
  return queryPrepared<Lease>(db, batchIds.length > 1 ? CLAIM_UNLOCKED : CLAIM, {
    ...options,
    ...FREE_BINDINGS,
    batchIds: [...batchIds],
  });
}

/** As claimLeases, of one batch. Null where it is left out. */
export async function claimLease(db: Db, { batchId, ...options }: ClaimLeaseOptions): Promise<Lease | null> {
  const [lease] = await claimLeases(db, { ...options, batchIds: [batchId] });
  return lease ?? null;
}

const [CLAIM, CLAIM_UNLOCKED] = ['', 'SKIP LOCKED'].map(
  (locked) => `WITH free AS (
     SELECT id FROM batches
      WHERE id = ANY(:batchIds::uuid[]) AND (deliveries = 0 OR :alsoReturned) AND ${FREE}
      ORDER BY id FOR NO KEY UPDATE ${locked}
   )
   UPDATE batches b
      SET fence = fence + 1, deliveries = deliveries + 1, leased_by = :workerName, not_before = NULL,
          lease_until = clock_timestamp() + make_interval(secs => :leaseSeconds),
          started_at = coalesce(started_at, clock_timestamp())
     FROM free f
    WHERE b.id = f.id AND b.id = ANY(:batchIds::uuid[])
    RETURNING b.id, b.org_id AS "orgId", b.request_id AS "requestId", b.field, b.fence, b.deliveries,
      (SELECT providers FROM organisation_waterfalls w WHERE w.org_id = b.org_id AND w.field = b.field) AS "ownProviders"`,
) as [string, string];

/** Whether a batch came back from a worker that died with it, and is free. */
export async function isReturned(db: Db, batchId: string): Promise<boolean> {
  const rows = await query(db, `SELECT 1 FROM batches WHERE id = :batchId AND deliveries > 0 AND ${FREE}`, {
    batchId,
    ...FREE_BINDINGS,
  });
  return rows.length > 0;
}

/** Has a free batch wait before anybody takes it. Nothing happens where it was taken meanwhile. */
export async function deferBatch(db: Db, batchId: string, waitSeconds: number): Promise<void> {
  await execute(
    db,
    `UPDATE batches
        SET queued_at = NULL, not_before = clock_timestamp() + make_interval(secs => :waitSeconds),
            next_check_at = clock_timestamp() + make_interval(secs => :waitSeconds)
      WHERE id = :batchId AND ${FREE}`,
    { batchId, waitSeconds, ...FREE_BINDINGS },
  );
}

/**
 * Renews leases by their fences, in id order. Returns the batches that are still ours; the others were taken or ended.
 */
export async function renewLeases(
  db: Db,
  leases: readonly { id: string; fence: number }[],
  leaseSeconds: number,
): Promise<ReadonlySet<string>> {
  if (leases.length === 0) return new Set();
  const rows = await query<{ id: string }>(
    db,
    `WITH ours AS (
       SELECT b.id FROM batches b JOIN unnest(:ids::uuid[], :fences::bigint[]) AS l (id, fence) ON b.id = l.id
        WHERE b.fence = l.fence AND b.completed_at IS NULL
        ORDER BY b.id FOR NO KEY UPDATE OF b
     )
     UPDATE batches b SET lease_until = clock_timestamp() + make_interval(secs => :leaseSeconds)
       FROM ours o WHERE b.id = o.id
     RETURNING b.id`,
    { ids: leases.map((lease) => lease.id), fences: leases.map((lease) => lease.fence), leaseSeconds },
  );
  return new Set(rows.map((row) => row.id));
}

/**
 * Gives a batch back: somebody else may take it, after `waitSeconds`. Whole seconds. What was given back on purpose is no delivery.
 * Nothing happens if the fence has moved on.
 */
export async function giveBackLease(
  db: Db,
  lease: { id: string; fence: number },
  waitSeconds: number,
): Promise<void> {
  await execute(
    db,
    `UPDATE batches
        SET lease_until = NULL, leased_by = NULL, queued_at = NULL, deliveries = greatest(deliveries - 1, 0),
            not_before = CASE WHEN :waitSeconds > 0 THEN clock_timestamp() + make_interval(secs => :waitSeconds) END,
            next_check_at = clock_timestamp() + make_interval(secs => :waitSeconds)
      WHERE id = :id AND fence = :fence AND completed_at IS NULL`,
    { id: lease.id, fence: lease.fence, waitSeconds },
  );
}

/** Which batch, and whose: the parts of other organisations are not read. */
export interface BatchOfOrganisation {
  id: string;
  orgId: string;
}

/** A pending row of a batch with what is known of its lead; `lead` is null where the lead was erased. */
export interface PendingRow {
  batchId: string;
  enrichmentId: string;
  acceptedAtText: string;
  acceptedAt: Date;
  retryNotFound: boolean;
  lead: LeadInputs | null;
}

interface StoredPendingRow extends LeadInputs, Omit<PendingRow, 'lead'> {
  leadKnown: boolean;
}

/**
 * OFFSET 0 keeps the planner at looking them up batch by batch: where nothing was pending when the table was analysed, it takes all that is
 * pending for less than that.
 */
const PENDING_OF_BATCHES = `unnest(:orgIds::uuid[], :ids::uuid[]) AS b (org_id, id)
       CROSS JOIN LATERAL (
         SELECT * FROM enrichments WHERE org_id = b.org_id AND batch_id = b.id AND status = 'pending' OFFSET 0
       ) e`;

/** The pending rows of these batches, of each in id order. */
export async function listPendingRows(
  db: Db,
  batches: readonly BatchOfOrganisation[],
): Promise<PendingRow[]> {
  const rows = await queryPrepared<StoredPendingRow>(
    db,
    `SELECT e.batch_id AS "batchId", e.id AS "enrichmentId", e.created_at::text AS "acceptedAtText", e.created_at AS "acceptedAt",
            e.retry_not_found AS "retryNotFound", p.id IS NOT NULL AS "leadKnown",
            p.first_name AS "firstName", p.last_name AS "lastName", p.full_name AS "fullName",
            p.company_name AS "companyName", p.company_domain AS "companyDomain", p.linkedin_url AS "linkedinUrl",
            p.emails[1] AS email
       FROM ${PENDING_OF_BATCHES}
       LEFT JOIN LATERAL (SELECT * FROM people WHERE id = e.entity_id LIMIT 1) p ON true
      ORDER BY e.id`,
    bindBatches(batches),
  );
  return rows.map(
    ({ batchId, enrichmentId, acceptedAtText, acceptedAt, retryNotFound, leadKnown, ...lead }) => ({
      batchId,
      enrichmentId,
      acceptedAtText,
      acceptedAt,
      retryNotFound,
      lead: leadKnown ? lead : null,
    }),
  );
}

function bindBatches(batches: readonly BatchOfOrganisation[]) {
  return { orgIds: batches.map(({ orgId }) => orgId), ids: batches.map(({ id }) => id) };
}

export interface StoredAttempt {
  enrichmentId: string;
  provider: string;
  outcome: 'hit' | 'miss' | 'restricted' | 'failed' | 'skipped' | null;
  error: string | null;
  durationMs: number | null;
}

/** The attempts that earlier workers left at the pending rows of these batches. */
export async function listAttemptsOfBatches(
  db: Db,
  batches: readonly BatchOfOrganisation[],
): Promise<StoredAttempt[]> {
  return queryPrepared<StoredAttempt>(
    db,
    `SELECT a.enrichment_id AS "enrichmentId", a.provider, a.outcome, a.error, a.duration_ms AS "durationMs"
       FROM ${PENDING_OF_BATCHES}
       CROSS JOIN LATERAL (SELECT * FROM attempts WHERE enrichment_id = e.id OFFSET 0) a`,
    bindBatches(batches),
  );
}
