import { query, queryPrepared, type Db } from '../db/database';
import { isoOfTimestamp } from '../db/iso-time';
import type { Enrichment, Field } from '../domain/enrichment';

/** A lead of a selection as one organisation sees it. */
export interface SelectedLead {
  leadId: string;
  /** False for what does not exist and for what another organisation imported: nobody can tell the two apart. */
  isVisible: boolean;
  /** Its live enrichment of the field; null where it has none. */
  live: Enrichment | null;
}

/** One line of a batch query. `summary` and `company` are asked for by clients of other products; nothing exists for them. */
export interface EnrichmentTask {
  entityId: string;
  entityType: 'person' | 'company';
  field: Field | 'summary';
}

interface EnrichmentRow {
  id: string;
  created_at: string;
  updated_at: string;
  entity_id: string;
  entity_type: 'person' | 'company';
  field: Field;
  status: Enrichment['status'];
  error: string | null;
  data_found: boolean | null;
  created_by: string;
  org_id: string;
  lookup_id: string | null;
  credit_transaction_id: string | null;
}

const COLUMNS = `e.id, e.created_at::text, e.updated_at::text, e.entity_id, e.entity_type, e.field, e.status, e.error, e.data_found,
  e.created_by, e.org_id, e.lookup_id, e.credit_transaction_id`;

/**
 * The leads of a selection in its order, with their live enrichments. Read after the account lock: rows
 * that another accept of this organisation wrote meanwhile are seen. LIMIT 1 on what an index holds once anyway keeps the
 * planner at the index: left to join, it read all people, and before the first ANALYZE took 660 ms for 1,000 leads.
 */
export async function listSelectedLeads(
  db: Db,
  selection: { orgId: string; field: Field; leadIds: readonly string[] },
): Promise<SelectedLead[]> {
  const rows = await queryPrepared<EnrichmentRow & { lead_id: string; is_visible: boolean }>(
    db,
    `SELECT s.lead_id, p.id IS NOT NULL AS is_visible, ${COLUMNS}
     FROM unnest(CAST(:leadIds AS uuid[])) WITH ORDINALITY AS s (lead_id, position)
     LEFT JOIN LATERAL (
       SELECT id FROM people WHERE id = s.lead_id AND (org_id IS NULL OR org_id = :orgId) LIMIT 1
     ) p ON true
     LEFT JOIN LATERAL (
       SELECT * FROM enrichments
       WHERE org_id = :orgId AND entity_type = 'person' AND entity_id = s.lead_id AND field = :field
         AND superseded_at IS NULL
       LIMIT 1
     ) e ON true
     ORDER BY s.position`,
    { ...selection, leadIds: [...selection.leadIds] },
  );
  return rows.map((row) => ({
    leadId: row.lead_id,
    isVisible: row.is_visible,
    live: row.id === null ? null : toEnrichment(row),
  }));
}

/** The live enrichment of one person and field; null where there is none. */
export async function findEnrichment(
  db: Db,
  wanted: { orgId: string; personId: string; field: Field },
): Promise<Enrichment | null> {
  const [row] = await query<EnrichmentRow>(
    db,
    `SELECT ${COLUMNS} FROM enrichments e
     WHERE e.org_id = :orgId AND e.entity_type = 'person' AND e.entity_id = :personId AND e.field = :field
       AND e.superseded_at IS NULL`,
    wanted,
  );
  return row ? toEnrichment(row) : null;
}

/** Enrichments, and a text that is the same for as long as they are. */
export interface TaskEnrichments {
  enrichments: Enrichment[];
  digest: string;
}

/** The live enrichments that exist for the tasks, in task order; a task without one is left out, a task named twice is answered twice. */
export async function listTaskEnrichments(
  db: Db,
  orgId: string,
  tasks: readonly EnrichmentTask[],
): Promise<TaskEnrichments> {
  const rows = await queryPrepared<EnrichmentRow & { hash: string }>(
    db,
    `SELECT ${COLUMNS}, ${HASH} AS hash ${OF_TASKS} ORDER BY t.position`,
    toBindings(orgId, tasks),
  );
  return { enrichments: rows.map(toEnrichment), digest: rows.map(({ hash }) => hash).join(' ') };
}

/** The digest that listTaskEnrichments would give, without the rows: a client that polls mostly has them. */
export async function digestTaskEnrichments(
  db: Db,
  orgId: string,
  tasks: readonly EnrichmentTask[],
): Promise<string> {
  const [row] = await queryPrepared<{ digest: string }>(
    db,
    `SELECT COALESCE(string_agg(${HASH}, ' ' ORDER BY t.position), '') AS digest ${OF_TASKS}`,
    toBindings(orgId, tasks),
  );
  return row?.digest ?? '';
}

/**
 * 64 bits of a row that change whenever anything that is shown does: every update sets updated_at, which a test holds the sources to.
 * Over all columns they took a third of the SELECT.
 */
const HASH = `hash_record_extended(ROW(e.id, e.status, e.updated_at), 0)::text`;

const OF_TASKS = `
  FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:fields AS text[]))
    WITH ORDINALITY AS t (entity_id, entity_type, field, position)
  CROSS JOIN LATERAL (
    SELECT * FROM enrichments
    WHERE org_id = :orgId AND entity_type = t.entity_type AND entity_id = t.entity_id AND field = t.field
      AND superseded_at IS NULL
    LIMIT 1
  ) e`;

function toBindings(orgId: string, tasks: readonly EnrichmentTask[]): Record<string, unknown> {
  return {
    orgId,
    ids: tasks.map((task) => task.entityId),
    types: tasks.map((task) => task.entityType),
    fields: tasks.map((task) => task.field),
  };
}

/** What a request lists, in its order, in the present state; superseded rows too: they are what it was answered with. */
export async function listRequestEnrichments(
  db: Db,
  request: { orgId: string; requestId: string },
): Promise<Enrichment[]> {
  const rows = await query<EnrichmentRow>(
    db,
    `SELECT ${COLUMNS} FROM request_enrichments r JOIN enrichments e ON e.org_id = :orgId AND e.id = r.enrichment_id
     WHERE r.request_id = :requestId ORDER BY r.position`,
    request,
  );
  return rows.map(toEnrichment);
}

/**
 * The leads whose rows, as the request lists them, failed, timed out or were cancelled, in its order. A row counts as it
 * ended, whatever rounds came after it: what a later round made of the lead is for the order to see.
 */
export async function listLeadsToRetry(
  db: Db,
  request: { orgId: string; requestId: string },
): Promise<string[]> {
  const rows = await query<{ lead_id: string }>(
    db,
    `SELECT e.entity_id AS lead_id FROM request_enrichments r JOIN enrichments e ON e.org_id = :orgId AND e.id = r.enrichment_id
     WHERE r.request_id = :requestId AND e.status IN ('failed', 'timeout', 'cancelled') ORDER BY r.position`,
    request,
  );
  return rows.map((row) => row.lead_id);
}

function toEnrichment(row: EnrichmentRow): Enrichment {
  return {
    id: row.id,
    createdAt: isoOfTimestamp(row.created_at),
    updatedAt: isoOfTimestamp(row.updated_at),
    entityId: row.entity_id,
    entityType: row.entity_type,
    field: row.field,
    status: row.status,
    error: row.error,
    dataFound: row.data_found,
    createdBy: row.created_by,
    orgId: row.org_id,
    globalEnrichmentId: row.lookup_id,
    creditTransactionId: row.credit_transaction_id,
  };
}
