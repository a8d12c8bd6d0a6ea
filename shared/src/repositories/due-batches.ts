import { queryPrepared, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';

/**
 * A batch that the relay has claimed for one look. The `…Text` fields are timestamps as PostgreSQL wrote them: a Date
 * would lose the microseconds that the raise compares.
 */
export interface DueBatch {
  id: string;
  orgId: string;
  requestId: string;
  field: Field;
  generation: number;
  fence: number;
  leaseUntilText: string | null;
  notBeforeText: string | null;
  deliveries: number;
  pendingCount: number;
  deadlinePassed: boolean;
  leaseLive: boolean;
  notBeforeAhead: boolean;
  /** In BullMQ as far as we know: raised and not given back. */
  queued: boolean;
  /** Lease and raise ended more than 4 s ago: an active job of it is a ghost. */
  quiet: boolean;
}

export interface ClaimOptions {
  /** Only these organisations'; undefined: everybody's. */
  orgIds: readonly string[] | undefined;
  checkSeconds: number;
  /** Batches that one organisation may have in BullMQ, of each field. */
  queuedAtMost: number;
  limit: number;
}

/** A worker may be told to wait at most this long; a time further ahead is a clock that jumped, and counts as passed. */
export const NOT_BEFORE_AT_MOST_SECONDS = 3_600;
/** Leases without a settle after which a batch is given up. */
export const DELIVERIES_AT_MOST = 3;
/** Leases without a settle after which a batch of several rows is split: one poisonous lead must not fail its neighbours. */
export const DELIVERIES_BEFORE_SPLIT = 2;

/**
 * The longest lease that any worker may have taken, with a margin: LEASE_SECONDS at most, not one's own, or a worker with a
 * shorter one would take the batches of its neighbour, and end them as given up.
 */
export const LEASE_AT_MOST_SECONDS = 305;

/**
 * The commit of a statement with this in its FROM does not wait for the disk. A crash of the server may take back what the relay did
 * last: a batch is looked at again, or raised again to a generation whose job is there. A lease that follows is flushed, and all before it.
 */
const UNFLUSHED = `(SELECT set_config('synchronous_commit', 'off', true)) AS unflushed`;

/**
 * Claims batches for one look each, by pushing their `next_check_at`; SKIP LOCKED keeps two relays off one batch.
 * Deadlines come always; queued batches to be verified; others as far as the organisation has room in BullMQ, by
 * priority and age, organisations in turn. One statement: it is committed before any call to the queue.
 */
export async function claimDueBatches(db: Db, options: ClaimOptions): Promise<DueBatch[]> {
  const waiting = options.orgIds === undefined ? OF_ALL_ORGANISATIONS : OF_SOME_ORGANISATIONS;
  return queryPrepared<DueBatch>(db, waiting + CLAIM_DUE_BATCHES, {
    ...options,
    orgIds: options.orgIds ? [...options.orgIds] : null,
    notBeforeAtMostSeconds: NOT_BEFORE_AT_MOST_SECONDS,
    leaseAtMostSeconds: LEASE_AT_MOST_SECONDS,
  });
}

const OF_SOME_ORGANISATIONS = `
WITH waiting AS (
  SELECT DISTINCT unnest(:orgIds::uuid[]) AS org_id
`;

// One step of the index for each organisation, however many batches it has.
const OF_ALL_ORGANISATIONS = `
WITH RECURSIVE waiting AS (
  (SELECT org_id FROM batches WHERE completed_at IS NULL AND queued_at IS NULL ORDER BY org_id LIMIT 1)
  UNION ALL
  SELECT n.org_id
    FROM waiting w
   CROSS JOIN LATERAL (
     SELECT org_id FROM batches
      WHERE completed_at IS NULL AND queued_at IS NULL AND org_id > w.org_id
      ORDER BY org_id LIMIT 1) n
`;

// Reads as much as it claims: of an organisation with 100,000 batches outside BullMQ, the first few of an index. The time is
// a subquery: read once, it can be compared by an index.
const CLAIM_DUE_BATCHES = `
), room AS (
  SELECT w.org_id, f.field, :queuedAtMost::int - (SELECT count(*) FROM batches q
           WHERE q.org_id = w.org_id AND q.field = f.field AND q.completed_at IS NULL AND q.queued_at IS NOT NULL)::int AS free
    FROM waiting w CROSS JOIN (VALUES ('emails'), ('phones')) AS f (field)
), unqueued AS (
  SELECT u.id, row_number() OVER (PARTITION BY r.org_id, r.field ORDER BY u.priority, u.id) AS turn, u.next_check_at
    FROM room r
   CROSS JOIN LATERAL (
     SELECT id, priority, next_check_at FROM batches b
      WHERE b.org_id = r.org_id AND b.field = r.field AND b.completed_at IS NULL AND b.queued_at IS NULL
        AND b.next_check_at <= (SELECT clock_timestamp())
        AND (b.not_before IS NULL OR b.not_before <= (SELECT clock_timestamp())
             OR b.not_before > (SELECT clock_timestamp()) + make_interval(secs => :notBeforeAtMostSeconds))
      ORDER BY b.priority, b.id LIMIT greatest(r.free, 0)) u
), wanted AS (
  SELECT id, 0 AS turn, next_check_at FROM batches
   WHERE completed_at IS NULL AND deadline_at <= (SELECT clock_timestamp()) AND (:orgIds::uuid[] IS NULL OR org_id = ANY(:orgIds::uuid[]))
  UNION ALL
  SELECT id, 0, next_check_at FROM batches
   WHERE completed_at IS NULL AND queued_at IS NOT NULL AND next_check_at <= (SELECT clock_timestamp())
     AND (:orgIds::uuid[] IS NULL OR org_id = ANY(:orgIds::uuid[]))
  UNION ALL
  SELECT id, turn, next_check_at FROM unqueued
), chosen AS (
  SELECT b.id
    FROM (SELECT id FROM wanted GROUP BY id ORDER BY min(turn), min(next_check_at), id LIMIT :limit) w
   CROSS JOIN LATERAL (
     SELECT id FROM batches
      WHERE id = w.id AND completed_at IS NULL AND (next_check_at <= clock_timestamp() OR deadline_at <= clock_timestamp())
      LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) b
)
UPDATE batches b
   SET next_check_at = clock_timestamp() + make_interval(secs => :checkSeconds)
  FROM ${UNFLUSHED}
 WHERE b.id = ANY(ARRAY(SELECT id FROM chosen))
RETURNING b.id, b.org_id AS "orgId", b.request_id AS "requestId", b.field, b.generation, b.fence,
  b.lease_until::text AS "leaseUntilText", b.not_before::text AS "notBeforeText", b.deliveries,
  (SELECT count(*)::int FROM enrichments e
    WHERE e.org_id = b.org_id AND e.batch_id = b.id AND e.status = 'pending') AS "pendingCount",
  b.deadline_at <= clock_timestamp() AS "deadlinePassed",
  coalesce(b.lease_until > clock_timestamp() AND b.lease_until <= clock_timestamp() + make_interval(secs => :leaseAtMostSeconds), false) AS "leaseLive",
  coalesce(b.not_before > clock_timestamp() AND b.not_before <= clock_timestamp() + make_interval(secs => :notBeforeAtMostSeconds), false) AS "notBeforeAhead",
  b.queued_at IS NOT NULL AS queued,
  coalesce(greatest(b.lease_until, b.raised_at) < clock_timestamp() - interval '4 seconds', true) AS quiet`;

export interface RaisedBatch {
  id: string;
  field: Field;
  generation: number;
  /** 1 for the organisation's first batch in BullMQ, 2 for its second…: nobody's second comes before anybody's first. */
  turn: number;
}

/**
 * Gives each batch its next generation, if nothing about it has changed since it was seen: another relay, a worker
 * that took or gave back the lease, or a settle that completed it wins. Returns those that were raised.
 */
export async function raiseGenerations(db: Db, batches: readonly DueBatch[]): Promise<RaisedBatch[]> {
  if (batches.length === 0) return [];
  return queryPrepared<RaisedBatch>(
    db,
    // Locked in id order, as the renewal of leases does: an UPDATE from a list locks in the order of its plan.
    `WITH unchanged AS (
       SELECT b.id
         FROM (SELECT * FROM unnest(:ids::uuid[], :generations::int[], :fences::bigint[], :leases::timestamptz[], :notBefores::timestamptz[])
                 AS u (id, generation, fence, lease_until, not_before) ORDER BY id) s
        CROSS JOIN LATERAL (
          SELECT id FROM batches
           WHERE id = s.id AND generation = s.generation AND fence = s.fence AND completed_at IS NULL
             AND lease_until IS NOT DISTINCT FROM s.lease_until AND not_before IS NOT DISTINCT FROM s.not_before
           LIMIT 1 FOR NO KEY UPDATE) b
     ), raised AS (
       UPDATE batches b
          SET generation = b.generation + 1, raised_at = clock_timestamp(), queued_at = clock_timestamp()
         FROM ${UNFLUSHED} WHERE b.id = ANY(ARRAY(SELECT id FROM unchanged))
       RETURNING b.id, b.org_id, b.field, b.generation, b.priority
     )
     SELECT r.id, r.field, r.generation,
            (row_number() OVER (PARTITION BY r.org_id, r.field ORDER BY r.priority, r.id)
             + (SELECT count(*) FROM batches q WHERE q.org_id = r.org_id AND q.field = r.field AND q.completed_at IS NULL
                   AND q.queued_at IS NOT NULL AND q.id NOT IN (SELECT id FROM raised)))::int AS turn
       FROM raised r`,
    {
      ids: batches.map((batch) => batch.id),
      generations: batches.map((batch) => batch.generation),
      fences: batches.map((batch) => batch.fence),
      leases: batches.map((batch) => batch.leaseUntilText),
      notBefores: batches.map((batch) => batch.notBeforeText),
    },
  );
}
