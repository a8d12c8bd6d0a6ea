import { query, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';
import { NOT_BEFORE_AT_MOST_SECONDS } from './due-batches';

/** What PostgreSQL alone says of a batch, in the order in which the relay looks: the first that applies. */
export type StoredBatchState = 'complete' | 'overdue' | 'leased' | 'waiting' | 'queued' | 'due';

/** A batch as an operator sees it. Seconds are counted from the database's clock; negative: that long ago. */
export interface BatchState {
  id: string;
  requestId: string;
  orgId: string;
  field: Field;
  state: StoredBatchState;
  pendingCount: number;
  size: number;
  generation: number;
  deliveries: number;
  leasedBy: string | null;
  createdAt: Date;
  nextCheckAt: Date;
  deadlineAt: Date;
  completedAt: Date | null;
  ageSeconds: number;
  nextCheckSeconds: number;
  leaseSeconds: number | null;
  waitSeconds: number | null;
  /** Whether lease and raise ended more than 4 s ago: an active job of it is a ghost. */
  quiet: boolean;
  /** Batches of the same organisation and field in the queue. */
  queuedBeside: number;
  /** Calls under way for its rows, by provider: `hunter 12, prospeo 3`; null: none. */
  asking: string | null;
}

export interface BatchStateFilter {
  orgId: string | null;
  requestId: string | null;
  batchId: string | null;
  /** Null: whatever is open, and complete ones where a request or batch is named. */
  states: readonly StoredBatchState[] | null;
  /** LEASE_SECONDS: a lease further ahead is a clock that jumped, and counts as passed. */
  leaseSeconds: number;
  limit: number;
}

/** Batches with their state, oldest first; `limit` at most. Reads only, locks nothing. */
export async function listBatchStates(db: Db, filter: BatchStateFilter): Promise<BatchState[]> {
  return query<BatchState>(db, LIST_BATCH_STATES, {
    ...filter,
    notBeforeAtMostSeconds: NOT_BEFORE_AT_MOST_SECONDS,
  });
}

const LIST_BATCH_STATES = `
WITH chosen AS (
  SELECT b.*, clock_timestamp() AS read_at,
         CASE WHEN completed_at IS NOT NULL THEN 'complete'
              WHEN deadline_at <= clock_timestamp() THEN 'overdue'
              WHEN lease_until > clock_timestamp()
                   AND lease_until <= clock_timestamp() + make_interval(secs => :leaseSeconds + 5) THEN 'leased'
              WHEN not_before > clock_timestamp()
                   AND not_before <= clock_timestamp() + make_interval(secs => :notBeforeAtMostSeconds) THEN 'waiting'
              WHEN queued_at IS NOT NULL AND generation > 0 THEN 'queued'
              ELSE 'due' END AS state
    FROM batches b
   WHERE (CAST(:orgId AS uuid) IS NULL OR org_id = :orgId)
     AND (CAST(:requestId AS uuid) IS NULL OR request_id = :requestId)
     AND (CAST(:batchId AS uuid) IS NULL OR id = :batchId)
     AND (completed_at IS NULL OR CAST(:requestId AS uuid) IS NOT NULL OR CAST(:batchId AS uuid) IS NOT NULL)
), listed AS (
  SELECT * FROM chosen WHERE CAST(:states AS text[]) IS NULL OR state = ANY(:states) ORDER BY created_at, id LIMIT :limit
)
SELECT l.id, l.request_id AS "requestId", l.org_id AS "orgId", l.field, l.state, l.size, l.generation, l.deliveries,
       CASE WHEN l.state = 'leased' THEN l.leased_by END AS "leasedBy",
       l.created_at AS "createdAt", l.next_check_at AS "nextCheckAt", l.deadline_at AS "deadlineAt", l.completed_at AS "completedAt",
       extract(epoch FROM l.read_at - l.created_at)::double precision AS "ageSeconds",
       extract(epoch FROM l.next_check_at - l.read_at)::double precision AS "nextCheckSeconds",
       extract(epoch FROM l.lease_until - l.read_at)::double precision AS "leaseSeconds",
       extract(epoch FROM l.not_before - l.read_at)::double precision AS "waitSeconds",
       coalesce(greatest(l.lease_until, l.raised_at) < l.read_at - interval '4 seconds', true) AS quiet,
       (SELECT count(*)::int FROM enrichments e
         WHERE e.org_id = l.org_id AND e.batch_id = l.id AND e.status = 'pending') AS "pendingCount",
       (SELECT count(*)::int FROM batches o
         WHERE o.org_id = l.org_id AND o.field = l.field AND o.completed_at IS NULL AND o.queued_at IS NOT NULL AND o.id <> l.id) AS "queuedBeside",
       (SELECT string_agg(provider || ' ' || n, ', ' ORDER BY provider)
          FROM (SELECT a.provider, count(*) AS n FROM enrichments e JOIN attempts a ON a.enrichment_id = e.id
                 WHERE e.org_id = l.org_id AND e.batch_id = l.id AND e.status = 'pending' AND a.outcome IS NULL GROUP BY a.provider) awaited) AS asking
  FROM listed l
 ORDER BY l.created_at, l.id`;
