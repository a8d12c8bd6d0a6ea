import { queryPrepared, type Db } from '../db/database';

/** Who is looked at: leads that one organisation selects, or enrichments, each for its own. */
export type SuppressionSubjects =
  { orgId: string; leadIds: readonly string[] } | { enrichments: readonly { orgId: string; id: string }[] };

export interface SuppressionCheck {
  subjects: SuppressionSubjects;
  /** The questions that are about to be asked, beside all that is known of the lead. */
  asked?: readonly { id: string; hash: Buffer }[];
  /** Stored answers that are about to be given: what they hold may be suppressed where the lead is not. */
  answers?: readonly { id: string; lookupId: string }[];
}

/**
 * The hashes of the values of an answer, whose jsonb is `candidates`: as `hashSuppressible` makes them. An address stands
 * for its domain too.
 */
export function candidateHashes(candidates: string): string {
  return `SELECT sha256(convert_to(c.kind || ':' || c.value, 'UTF8')) AS hash
            FROM jsonb_to_recordset(${candidates}) AS c (kind text, value text)
          UNION ALL
          SELECT sha256(convert_to('domain:' || split_part(c.value, '@', 2), 'UTF8'))
            FROM jsonb_to_recordset(${candidates}) AS c (kind text, value text) WHERE c.kind = 'email'`;
}

/** What a lead `p` is known by itself. Of each, `suppression_keys` holds the `hash_key`. */
const LEAD_HASHES = `
  SELECT unnest(ARRAY[p.linkedin_hash, p.name_domain_hash, p.name_company_hash, p.email_hash,
                      sha256(convert_to('domain:' || p.company_domain, 'UTF8'))]) AS hash
  UNION ALL SELECT sha256(convert_to('email:' || e, 'UTF8')) FROM unnest(p.emails) AS e
  UNION ALL SELECT sha256(convert_to('domain:' || split_part(e, '@', 2), 'UTF8')) FROM unnest(p.emails) AS e
  UNION ALL SELECT sha256(convert_to('phone:' || split_part(t, ' x', 1), 'UTF8')) FROM unnest(p.phones) AS t`;

/** The hashes of what was found for a subject `s`; OFFSET 0 keeps the planner at the index. */
const FOUND_HASHES = `
  SELECT h.hash
    FROM (SELECT kind, value FROM lead_values WHERE org_id = s.org_id AND lead_id = s.lead_id OFFSET 0) v
   CROSS JOIN LATERAL (
     SELECT sha256(convert_to(v.kind || ':' || v.value, 'UTF8')) AS hash
     UNION ALL SELECT sha256(convert_to('domain:' || split_part(v.value, '@', 2), 'UTF8')) WHERE v.kind = 'email'
   ) h`;

/**
 * Which of the subjects are suppressed, by id; true: for every organisation. One statement however many there are, and next
 * to nothing while no entry exists: the condition that there is one stands before everything else. Hashing is dear: the stored
 * keys of all leads are looked up at once, and only a lead of which one is listed is hashed and compared. LIMIT 1 keeps the
 * planner at the index, whatever it thinks of the table's size.
 */
export async function findSuppressed(db: Db, check: SuppressionCheck): Promise<Map<string, boolean>> {
  const { subjects, asked = [], answers = [] } = check;
  const ids = 'leadIds' in subjects ? subjects.leadIds : subjects.enrichments.map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const rows = await queryPrepared<{ id: string; isGlobal: boolean }>(
    db,
    `WITH subject AS MATERIALIZED (
       ${'leadIds' in subjects ? SELECTED : ENRICHED}
     ), lead AS MATERIALIZED (
       SELECT s.*, p.suppression_keys AS keys
         FROM subject s CROSS JOIN LATERAL (SELECT suppression_keys FROM people WHERE id = s.lead_id LIMIT 1) p
     ), listed AS MATERIALIZED (
       SELECT hash_key(hash) AS key, org_id FROM suppressions
        WHERE hash_key(hash) = ANY(ARRAY(SELECT unnest(keys) FROM lead))
     ), suspect AS (
       SELECT DISTINCT l.id, l.org_id, l.lead_id
         FROM (SELECT id, org_id, lead_id, unnest(keys) AS key FROM lead WHERE EXISTS (SELECT FROM listed)) l
         JOIN listed x ON x.key = l.key AND (x.org_id IS NULL OR x.org_id = l.org_id)
     ), known AS (
       SELECT s.id, s.org_id, h.hash
         FROM suspect s
        CROSS JOIN LATERAL (SELECT * FROM people WHERE id = s.lead_id LIMIT 1) p
        CROSS JOIN LATERAL (${LEAD_HASHES}) h
       UNION ALL
       SELECT s.id, s.org_id, h.hash FROM subject s CROSS JOIN LATERAL (${FOUND_HASHES}) h
       UNION ALL
       SELECT s.id, s.org_id, a.hash FROM unnest(:askedIds::uuid[], :askedHashes::bytea[]) AS a (id, hash) JOIN subject s USING (id)
       UNION ALL
       SELECT s.id, s.org_id, h.hash
         FROM unnest(:answerIds::uuid[], :lookupIds::uuid[]) AS a (id, lookup_id)
         JOIN subject s USING (id)
        CROSS JOIN LATERAL (SELECT candidates FROM lookups WHERE id = a.lookup_id AND state = 'hit' LIMIT 1) l
        CROSS JOIN LATERAL (${candidateHashes('l.candidates')}) h
     )
     SELECT k.id, bool_or(x.org_id IS NULL) AS "isGlobal"
       FROM known k
      CROSS JOIN LATERAL (
        SELECT org_id FROM suppressions
         WHERE hash = k.hash AND (org_id IS NULL OR org_id = k.org_id) ORDER BY org_id NULLS FIRST LIMIT 1
      ) x
      WHERE EXISTS (SELECT FROM suppressions)
      GROUP BY k.id`,
    {
      ids: [...ids],
      orgIds: 'leadIds' in subjects ? [subjects.orgId] : subjects.enrichments.map(({ orgId }) => orgId),
      askedIds: asked.map(({ id }) => id),
      askedHashes: asked.map(({ hash }) => hash),
      answerIds: answers.map(({ id }) => id),
      lookupIds: answers.map(({ lookupId }) => lookupId),
    },
  );
  return new Map(rows.map(({ id, isGlobal }) => [id, isGlobal]));
}

const SELECTED = `SELECT i.id, (CAST(:orgIds AS uuid[]))[1] AS org_id, i.id AS lead_id FROM unnest(:ids::uuid[]) AS i (id)`;
const ENRICHED = `SELECT e.id, e.org_id, e.entity_id AS lead_id
                    FROM unnest(:orgIds::uuid[], :ids::uuid[]) AS i (org_id, id)
                   CROSS JOIN LATERAL (SELECT * FROM enrichments WHERE org_id = i.org_id AND id = i.id LIMIT 1) e`;
