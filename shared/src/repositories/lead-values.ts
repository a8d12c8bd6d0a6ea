import { execute, type Db } from '../db/database';
import type { Candidate } from '../domain/enrichment';

/** A value that an organisation gets for a lead, with where it came from. */
export interface FoundValue extends Candidate {
  leadId: string;
  provider: string;
  enrichmentId: string;
  foundAt: Date;
}

/**
 * Stores what an organisation found. A value it already has keeps its first finding and takes the newer verdict.
 * The caller holds the account lock, so that two settles of one organisation never wait for each other here.
 */
export async function upsertLeadValues(db: Db, orgId: string, values: readonly FoundValue[]): Promise<void> {
  if (values.length === 0) return;
  await execute(
    db,
    `INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, confidence, line_type, flags, provider, enrichment_id, found_at)
     SELECT DISTINCT ON (v."leadId", v.kind, v.value)
            :orgId::uuid, v."leadId", v.kind, v.value, v.verdict, v.confidence, v."lineType", v.flags, v.provider, v."enrichmentId", v."foundAt"
       FROM jsonb_to_recordset(:values::jsonb) AS v ("leadId" uuid, kind text, value text, verdict text, confidence real,
            "lineType" text, flags text[], provider text, "enrichmentId" uuid, "foundAt" timestamptz)
      ORDER BY v."leadId", v.kind, v.value
     ON CONFLICT (org_id, lead_id, kind, value) DO UPDATE
        SET verdict = excluded.verdict, confidence = excluded.confidence, line_type = excluded.line_type,
            flags = excluded.flags, enrichment_id = excluded.enrichment_id, provider = excluded.provider`,
    { orgId, values: JSON.stringify(values) },
  );
}
