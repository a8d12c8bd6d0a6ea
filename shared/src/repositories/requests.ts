import { query, type Db } from '../db/database';
import type { Field, Priority } from '../domain/enrichment';

/** An accepted request with its counters. */
export interface RequestSummary {
  id: string;
  createdAt: Date;
  createdBy: string;
  field: Field;
  mode: 'manual' | 'bulk' | 'retry';
  priority: Priority;
  total: number;
  /** Rows it lists that another request made. */
  reused: number;
  /** Rows of its own that a stored answer ended at once. */
  free: number;
  pending: number;
  found: number;
  notFound: number;
  failed: number;
  timeout: number;
  cancelled: number;
  creditsCharged: number;
  creditsRefunded: number;
  startedAt: Date | null;
  finishedAt: Date | null;
  /** When its client first cancelled it; rows that a provider had been asked for went on. */
  cancelledAt: Date | null;
  estimatedEndAt: Date | null;
}

type SummaryRow = Omit<RequestSummary, 'estimatedEndAt'> & {
  orgId: string;
  read_at: Date;
  /** Rows of its own that were worked and have ended, and that are still pending. */
  worked: number;
  own_pending: number;
  deadline_at: Date | null;
};

/** One request of an organisation; null where it has none of that id. */
export async function findRequest(db: Db, orgId: string, requestId: string): Promise<RequestSummary | null> {
  const [row] = await query<SummaryRow>(db, summarySql('org_id = :orgId AND id = :requestId'), {
    orgId,
    requestId,
    limit: 1,
    offset: 0,
  });
  return row ? toSummary(row) : null;
}

/** The field of an organisation's request; null where it has none of that id. */
export async function findRequestField(db: Db, orgId: string, requestId: string): Promise<Field | null> {
  const [row] = await query<{ field: Field }>(
    db,
    'SELECT field FROM requests WHERE id = :requestId AND org_id = :orgId',
    { orgId, requestId },
  );
  return row?.field ?? null;
}

/** An organisation's requests, newest first. */
export async function listRequests(
  db: Db,
  page: { orgId: string; limit: number; offset: number },
): Promise<RequestSummary[]> {
  const rows = await query<SummaryRow>(db, summarySql('org_id = :orgId'), page);
  return rows.map(toSummary);
}

export interface OperatorRequestSummary extends RequestSummary {
  orgId: string;
}

/** Requests of one organisation or of all (null), one of them or all (null), newest first; for operators only. */
export async function listRequestsForOperator(
  db: Db,
  filter: { orgId: string | null; requestId: string | null; limit: number },
): Promise<OperatorRequestSummary[]> {
  const condition =
    '(CAST(:orgId AS uuid) IS NULL OR org_id = :orgId) AND (CAST(:requestId AS uuid) IS NULL OR id = :requestId)';
  const rows = await query<SummaryRow>(db, summarySql(condition), { ...filter, offset: 0 });
  return rows.map((row) => ({ orgId: row.orgId, ...toSummary(row) }));
}

/** The requests are chosen first and counted after, so that a page counts its own rows only. */
function summarySql(condition: string): string {
  return `
    WITH r AS (
      SELECT * FROM requests WHERE ${condition}
      ORDER BY created_at DESC, id DESC OFFSET :offset LIMIT :limit
    )
    SELECT r.id, r.org_id AS "orgId", r.created_at AS "createdAt", r.created_by AS "createdBy", r.field, r.mode, r.priority, r.total,
           c.reused, c.free, c.pending, c.found, c."notFound", c.failed, c.timeout, c.cancelled,
           r.credits_charged AS "creditsCharged", c."creditsRefunded", b.started_at AS "startedAt",
           CASE WHEN c.pending = 0 THEN GREATEST(r.created_at, c.ended_at) END AS "finishedAt",
           r.cancelled_at AS "cancelledAt",
           c.worked, c.own_pending, b.deadline_at, clock_timestamp() AS read_at
    FROM r
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE e.request_id <> r.id) AS reused,
             count(*) FILTER (WHERE e.request_id = r.id AND e.batch_id IS NULL) AS free,
             count(*) FILTER (WHERE e.status = 'pending') AS pending,
             count(*) FILTER (WHERE e.status = 'finished' AND e.data_found) AS found,
             count(*) FILTER (WHERE e.status = 'finished' AND NOT e.data_found) AS "notFound",
             count(*) FILTER (WHERE e.status = 'failed') AS failed,
             count(*) FILTER (WHERE e.status = 'timeout') AS timeout,
             count(*) FILTER (WHERE e.status = 'cancelled') AS cancelled,
             count(*) FILTER (WHERE e.request_id = r.id AND e.batch_id IS NOT NULL AND e.status <> 'pending') AS worked,
             count(*) FILTER (WHERE e.request_id = r.id AND e.status = 'pending') AS own_pending,
             COALESCE(sum(e.price) FILTER (WHERE e.request_id = r.id AND e.refund_transaction_id IS NOT NULL), 0)
               AS "creditsRefunded",
             max(e.ended_at) AS ended_at
      FROM request_enrichments l JOIN enrichments e ON e.org_id = r.org_id AND e.id = l.enrichment_id
      WHERE l.request_id = r.id
    ) c
    CROSS JOIN LATERAL (
      SELECT min(started_at) AS started_at, max(deadline_at) AS deadline_at FROM batches WHERE request_id = r.id
    ) b
    ORDER BY r.created_at DESC, r.id DESC`;
}

function toSummary(stored: SummaryRow): RequestSummary {
  // Its organisation is the caller's, who knows it.
  const { orgId, read_at, worked, own_pending, deadline_at, ...row } = stored;
  void orgId;
  const estimatedEndAt = estimateEnd({
    startedAt: row.startedAt,
    readAt: read_at,
    worked,
    pending: own_pending,
    deadlineAt: deadline_at,
  });
  return { ...row, estimatedEndAt };
}

/** At the pace so far, never past the deadline; null before anything ended and where nothing of its own is pending. */
function estimateEnd(progress: {
  startedAt: Date | null;
  readAt: Date;
  worked: number;
  pending: number;
  deadlineAt: Date | null;
}): Date | null {
  const { startedAt, readAt, worked, pending, deadlineAt } = progress;
  if (!startedAt || !deadlineAt || worked === 0 || pending === 0) return null;
  const elapsedMs = readAt.getTime() - startedAt.getTime();
  const endMs = readAt.getTime() + (elapsedMs / worked) * pending;
  return new Date(Math.min(Math.round(endMs), deadlineAt.getTime()));
}
