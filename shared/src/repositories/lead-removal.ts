import { execute, query, type Db } from '../db/database';

/** A lead of an organisation's own, for a list. */
export interface OwnLead {
  leadId: string;
  name: string;
  jobTitle: string | null;
  companyName: string | null;
  emails: string[];
  importedAt: Date;
}

/** The organisation's own leads in the order of their import, `limit` at most; none of the shared directory. */
export async function listOwnLeads(db: Db, orgId: string, limit: number): Promise<OwnLead[]> {
  return query(
    db,
    `SELECT id AS "leadId", full_name AS name, job_title AS "jobTitle", company_name AS "companyName", emails,
       created_at AS "importedAt"
     FROM people WHERE org_id = :orgId ORDER BY seq LIMIT :limit`,
    { orgId, limit },
  );
}

export async function countOwnLeads(db: Db, orgId: string): Promise<number> {
  const [row] = await query<{ count: number }>(db, 'SELECT count(*) AS count FROM people WHERE org_id = ?', [
    orgId,
  ]);
  return row?.count ?? 0;
}

/** Which of these ids are leads of the organisation's own. */
export async function findOwnLeadIds(db: Db, orgId: string, leadIds: readonly string[]): Promise<string[]> {
  const rows = await query<{ id: string }>(
    db,
    'SELECT id FROM people WHERE org_id = :orgId AND id = ANY(CAST(:leadIds AS uuid[]))',
    { orgId, leadIds: [...leadIds] },
  );
  return rows.map(({ id }) => id);
}

/** A lead whose enrichment has not ended. */
export interface PendingLead {
  leadId: string;
  name: string;
  field: string;
}

/**
 * Leads of the organisation's own (null: all of them) with a pending enrichment, `limit` at most. Only their organisation
 * can enrich them, and its accepts follow one another: under its account lock, what this says stays true.
 */
export async function listPendingLeads(
  db: Db,
  orgId: string,
  leadIds: readonly string[] | null,
  limit: number,
): Promise<PendingLead[]> {
  return query(
    db,
    `SELECT p.id AS "leadId", p.full_name AS name, e.field
     FROM enrichments e JOIN people p ON p.id = e.entity_id AND p.org_id = :orgId
     WHERE e.org_id = :orgId AND e.entity_type = 'person' AND e.superseded_at IS NULL AND e.status = 'pending'
       AND (CAST(:leadIds AS uuid[]) IS NULL OR e.entity_id = ANY(CAST(:leadIds AS uuid[])))
     ORDER BY p.seq, e.field LIMIT :limit`,
    { orgId, leadIds: leadIds && [...leadIds], limit },
  );
}

/**
 * Removes leads with the keys that they are known by, and those of their companies that nobody is left of. Enrichments,
 * attempts and found values name their lead by id alone and stay. The caller holds lockLeadWrites.
 */
export async function removeLeads(db: Db, orgId: string, leadIds: readonly string[]): Promise<number> {
  const removed = await query<{ companyId: string | null }>(
    db,
    `DELETE FROM people WHERE org_id = :orgId AND id = ANY(CAST(:leadIds AS uuid[])) RETURNING company_id AS "companyId"`,
    { orgId, leadIds: [...leadIds] },
  );
  const companyIds = [...new Set(removed.flatMap(({ companyId }) => companyId ?? []))];
  // A statement of its own: the snapshot of the one above still holds the people that it removed.
  await execute(
    db,
    `DELETE FROM companies c WHERE org_id = :orgId AND id = ANY(CAST(:companyIds AS uuid[]))
       AND NOT EXISTS (SELECT FROM people WHERE company_id = c.id)`,
    { orgId, companyIds },
  );
  return removed.length;
}
