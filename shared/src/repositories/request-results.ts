import { query, type Db } from '../db/database';
import type { EnrichmentStatus, Field, Verdict } from '../domain/enrichment';

/** One value of one lead of a request; a lead without a value has one line, with nulls. */
export interface ResultLine {
  leadId: string;
  name: string | null;
  status: EnrichmentStatus;
  field: Field;
  value: string | null;
  provider: string | null;
  verdict: Verdict | null;
  confidence: number | null;
  /** Of a phone number, where it is known. */
  lineType: string | null;
  /** `role`, `disposable`, `other_domain`, `do_not_call`, …; empty without a value. */
  flags: string[];
  /** When the value was first found. */
  foundAt: Date | null;
  /** The other providers that gave the same value. */
  agreedBy: string[];
}

/**
 * The lines of the leads at positions `from` to `from + count - 1`, in selection order. Values are the caller's own;
 * the best of a lead first. The request is one of `orgId`: the caller has looked.
 */
export async function listResultLines(
  db: Db,
  page: { orgId: string; requestId: string; from: number; count: number },
): Promise<ResultLine[]> {
  return query<ResultLine>(
    db,
    `SELECT e.entity_id AS "leadId", p.full_name AS name, e.status, e.field, v.value, v.provider, v.verdict,
            round(v.confidence::numeric, 4) AS confidence, v.line_type AS "lineType", coalesce(v.flags, '{}') AS flags,
            v.found_at AS "foundAt",
            ARRAY(SELECT f ->> 'provider' FROM jsonb_array_elements(v.findings) AS f WHERE f ->> 'provider' <> v.provider) AS "agreedBy"
     FROM request_enrichments l
     JOIN enrichments e ON e.id = l.enrichment_id AND e.org_id = :orgId
     LEFT JOIN people p ON p.id = e.entity_id
     LEFT JOIN lead_values v ON e.data_found AND v.org_id = :orgId AND v.lead_id = e.entity_id
       AND v.kind = CASE e.field WHEN 'emails' THEN 'email' ELSE 'phone' END
     WHERE l.request_id = :requestId AND l.position >= :from AND l.position < CAST(:from AS integer) + :count
     ORDER BY l.position, v.confidence DESC NULLS LAST, v.value`,
    page,
  );
}
