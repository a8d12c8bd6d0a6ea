import { execute, query, type Db } from '../db/database';
import { newId } from '../domain/ids';
import type { LeadInputs } from '../domain/question';
import { candidateHashes } from './suppression-checks';

/** An erasure under way or done: the leads that it found when its hashes were committed. */
export interface Erasure {
  id: string;
  leadIds: string[];
}

export async function insertErasure(db: Db, leadIds: readonly string[], createdBy: string): Promise<Erasure> {
  const id = newId();
  await execute(
    db,
    'INSERT INTO erasures (id, lead_ids, created_by) VALUES (:id, CAST(:leadIds AS uuid[]), :createdBy)',
    {
      id,
      leadIds: [...leadIds],
      createdBy,
    },
  );
  return { id, leadIds: [...leadIds] };
}

/** Erasures that a crash broke off, the oldest first. */
export function listOpenErasures(db: Db): Promise<Erasure[]> {
  return query(db, 'SELECT id, lead_ids AS "leadIds" FROM erasures WHERE completed_at IS NULL ORDER BY id');
}

export async function completeErasure(db: Db, id: string): Promise<void> {
  await execute(
    db,
    'UPDATE erasures SET completed_at = clock_timestamp() WHERE id = ? AND completed_at IS NULL',
    [id],
  );
}

/** A lead as an erasure looks at it. `orgId` null: of the shared directory. */
export interface ErasableLead extends LeadInputs {
  id: string;
  orgId: string | null;
  emails: string[];
  phones: string[];
}

const ERASABLE_COLUMNS = `p.id, p.org_id AS "orgId", p.first_name AS "firstName", p.last_name AS "lastName", p.full_name AS "fullName",
  p.company_name AS "companyName", p.company_domain AS "companyDomain", p.linkedin_url AS "linkedinUrl", p.emails, p.phones,
  p.emails[1] AS email`;

/**
 * The leads, whosever they are, with one of these ids, LinkedIn hashes or e-mails (their own, or found for them); `limit` at most.
 * Reads all people: nothing but an erasure asks this, and an index for it would be paid for by every import.
 */
export function listLeadsNamed(
  db: Db,
  named: { ids: readonly string[]; linkedinHashes: readonly Buffer[]; emails: readonly string[] },
  limit: number,
): Promise<ErasableLead[]> {
  return query(
    db,
    `SELECT ${ERASABLE_COLUMNS} FROM people p
      WHERE p.id = ANY(:ids::uuid[]) OR p.linkedin_hash = ANY(:linkedinHashes::bytea[]) OR p.emails && :emails::text[]
         OR p.id IN (SELECT lead_id FROM lead_values WHERE kind = 'email' AND value = ANY(:emails::text[]))
      ORDER BY p.id LIMIT :limit`,
    { ids: [...named.ids], linkedinHashes: [...named.linkedinHashes], emails: [...named.emails], limit },
  );
}

/**
 * The leads, whosever they are, that share a LinkedIn profile, an e-mail, or a name and company with one of these; these too. In
 * id order, `limit` at most, from after `afterId` on (null: from the first).
 */
export function listLeadsAlike(
  db: Db,
  leadIds: readonly string[],
  page: { afterId: string | null; limit: number },
): Promise<ErasableLead[]> {
  return query(
    db,
    `WITH given AS (SELECT * FROM people WHERE id = ANY(:leadIds::uuid[]))
     SELECT ${ERASABLE_COLUMNS} FROM people p
      WHERE (CAST(:afterId AS uuid) IS NULL OR p.id > CAST(:afterId AS uuid))
        AND (p.linkedin_hash IN (SELECT linkedin_hash FROM given) OR p.name_domain_hash IN (SELECT name_domain_hash FROM given)
          OR p.name_company_hash IN (SELECT name_company_hash FROM given)
          OR p.emails && (SELECT coalesce(array_agg(e), '{}') FROM given, unnest(emails) AS e))
      ORDER BY p.id LIMIT :limit`,
    { leadIds: [...leadIds], ...page },
  );
}

/** What organisations have found for these leads; `limit` at most. */
export function listFoundValues(
  db: Db,
  leadIds: readonly string[],
  limit: number,
): Promise<{ leadId: string; kind: 'email' | 'phone'; value: string }[]> {
  return query(
    db,
    `SELECT lead_id AS "leadId", kind, value FROM lead_values WHERE lead_id = ANY(:leadIds::uuid[]) LIMIT :limit`,
    { leadIds: [...leadIds], limit },
  );
}

/** Every organisation: an accept of any may be about to write what was not seen when the hashes were committed. */
export async function listOrganisationIds(db: Db): Promise<string[]> {
  const rows = await query<{ orgId: string }>(
    db,
    'SELECT org_id AS "orgId" FROM credit_accounts ORDER BY org_id',
  );
  return rows.map(({ orgId }) => orgId);
}

/** A pending enrichment of a lead that is being erased. */
export interface PendingOfErased {
  enrichmentId: string;
  batchId: string;
  requestId: string;
  field: 'emails' | 'phones';
}

/**
 * Locks the open batches of an organisation's pending rows of these leads, then the rows, each in id order, and gives the
 * rows. An ask that is being written holds its rows FOR SHARE: this waits for it, and what it claimed is deleted later.
 */
export async function lockPendingOf(
  db: Db,
  orgId: string,
  leadIds: readonly string[],
): Promise<PendingOfErased[]> {
  const bindings = { orgId, leadIds: [...leadIds] };
  await execute(
    db,
    `SELECT id FROM batches WHERE id IN (SELECT e.batch_id FROM enrichments e WHERE ${PENDING}) ORDER BY id FOR NO KEY UPDATE`,
    bindings,
  );
  return query(
    db,
    `SELECT e.id AS "enrichmentId", e.batch_id AS "batchId", e.request_id AS "requestId", e.field FROM enrichments e
      WHERE ${PENDING} ORDER BY e.id FOR UPDATE OF e`,
    bindings,
  );
}

/** A pending row is live: the index of live rows serves it. */
const PENDING = `e.org_id = :orgId AND e.entity_type = 'person' AND e.entity_id = ANY(:leadIds::uuid[]) AND e.superseded_at IS NULL
  AND e.status = 'pending'`;

export function deleteLeadValues(db: Db, orgId: string, leadIds: readonly string[]): Promise<number> {
  return execute(db, 'DELETE FROM lead_values WHERE org_id = :orgId AND lead_id = ANY(:leadIds::uuid[])', {
    orgId,
    leadIds: [...leadIds],
  });
}

/** Removes leads of every scope with the keys they are known by, and those of their companies that nobody is left of. */
export async function deletePeople(db: Db, leadIds: readonly string[]): Promise<number> {
  const removed = await query<{ companyId: string | null }>(
    db,
    'DELETE FROM people WHERE id = ANY(:leadIds::uuid[]) RETURNING company_id AS "companyId"',
    { leadIds: [...leadIds] },
  );
  const companyIds = [...new Set(removed.flatMap(({ companyId }) => companyId ?? []))];
  // A statement of its own: the snapshot of the one above still holds the people that it removed.
  await execute(
    db,
    `DELETE FROM companies c WHERE id = ANY(:companyIds::uuid[]) AND NOT EXISTS (SELECT FROM people WHERE company_id = c.id)`,
    { companyIds },
  );
  return removed.length;
}

/** Every enrichment of these leads by organisation: the live ones by the index of live rows, the superseded ones by theirs. */
export function listEnrichmentsOf(
  db: Db,
  leadIds: readonly string[],
): Promise<{ orgId: string; ids: string[] }[]> {
  return query(
    db,
    `SELECT e.org_id AS "orgId", array_agg(e.id ORDER BY e.id) AS ids
       FROM (
         SELECT live.org_id, live.id
           FROM credit_accounts a CROSS JOIN unnest(:leadIds::uuid[]) AS l (lead_id)
          CROSS JOIN LATERAL (
            SELECT org_id, id FROM enrichments
             WHERE org_id = a.org_id AND entity_type = 'person' AND entity_id = l.lead_id AND superseded_at IS NULL
            OFFSET 0
          ) live
          UNION ALL
         SELECT org_id, id FROM enrichments
          WHERE entity_type = 'person' AND entity_id = ANY(:leadIds::uuid[]) AND superseded_at IS NOT NULL
       ) e
      GROUP BY e.org_id ORDER BY e.org_id`,
    { leadIds: [...leadIds] },
  );
}

/** Deletes the attempts of ended enrichments, and replaces what providers wrote in their errors; gives the number of attempts. */
export async function forgetAttempts(
  db: Db,
  { orgId, ids, error }: { orgId: string; ids: readonly string[]; error: string },
): Promise<number> {
  const bindings = { orgId, ids: [...ids], error };
  await execute(
    db,
    'SELECT id FROM enrichments WHERE org_id = :orgId AND id = ANY(:ids::uuid[]) ORDER BY id FOR NO KEY UPDATE',
    bindings,
  );
  await execute(
    db,
    `UPDATE enrichments SET error = :error, updated_at = clock_timestamp()
      WHERE org_id = :orgId AND id = ANY(:ids::uuid[]) AND error IS NOT NULL AND error <> :error`,
    bindings,
  );
  return execute(db, 'DELETE FROM attempts WHERE enrichment_id = ANY(:ids::uuid[])', bindings);
}

/**
 * Deletes the lookups that asked about an erased person, or whose answer holds a value of one; locked in the order of their
 * unique key, as asks and answers do. An answer that comes later finds nothing to be written to.
 */
export function deleteLookupsOf(db: Db, erasureId: string): Promise<number> {
  return execute(
    db,
    `WITH erased AS (SELECT hash FROM suppressions WHERE erasure_id = :erasureId),
     named AS (
       SELECT l.id FROM lookups l
        WHERE l.input_hash IN (SELECT hash FROM erased)
           OR EXISTS (SELECT FROM (${candidateHashes('l.candidates')}) h WHERE h.hash IN (SELECT hash FROM erased))
     ), locked AS (
       SELECT id FROM lookups WHERE id IN (SELECT id FROM named)
        ORDER BY provider, base_url, field, input_hash, scope FOR UPDATE
     )
     DELETE FROM lookups WHERE id IN (SELECT id FROM locked)`,
    { erasureId },
  );
}
