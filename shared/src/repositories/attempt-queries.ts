import { query, type Db } from '../db/database';
import type { Verdict } from '../domain/enrichment';
import { FINDINGS_OF_VALUE } from './lead-values';

/** What one provider said, or why it was not asked. */
export interface AttemptReport {
  provider: string;
  /** Null while the answer is awaited. */
  outcome: 'hit' | 'miss' | 'restricted' | 'failed' | 'skipped' | null;
  error: string | null;
  latencyMs: number | null;
  /** In the provider's own credits, by its published price; null where that is unknown, or another row carries it. */
  providerCost: number | null;
  /** What the provider itself said it charged: this question's share of the call; null where it says nothing. */
  statedCost: number | null;
  /** True where another's answer served this row. */
  shared: boolean;
  globalEnrichmentId: string | null;
  startedAt: Date;
  endedAt: Date | null;
  /** What the organisation has of this provider for the lead, in its own words; the surest first. */
  found: { value: string; verdict: Verdict; confidence: number | null; flags: string[]; foundAt: string }[];
}

/** The attempts of one enrichment, in the order they were made; none where they were dropped with their month. */
export function listAttempts(db: Db, enrichment: { orgId: string; id: string }): Promise<AttemptReport[]> {
  return query<AttemptReport>(
    db,
    `SELECT a.provider, a.outcome, a.error, a.duration_ms AS "latencyMs", a.provider_cost AS "providerCost",
            a.stated_cost AS "statedCost", a.shared, a.lookup_id AS "globalEnrichmentId", a.started_at AS "startedAt", a.ended_at AS "endedAt", given.found
     FROM attempts a
     JOIN enrichments e ON e.org_id = :orgId AND e.id = a.enrichment_id
     CROSS JOIN LATERAL (
       SELECT coalesce(json_agg(json_build_object('value', v.value, 'verdict', f.verdict, 'confidence', f.confidence,
                'flags', v.flags, 'foundAt', f."foundAt") ORDER BY f.confidence DESC NULLS LAST, v.value), '[]') AS found
         FROM lead_values v
        CROSS JOIN LATERAL jsonb_to_recordset(${FINDINGS_OF_VALUE}) AS f (provider text, verdict text, confidence numeric, "foundAt" text)
        WHERE v.org_id = e.org_id AND v.lead_id = e.entity_id AND f.provider = a.provider
          AND v.kind = CASE e.field WHEN 'emails' THEN 'email' ELSE 'phone' END
     ) given
     WHERE a.enrichment_id = :id ORDER BY a.started_at, a.provider`,
    { orgId: enrichment.orgId, id: enrichment.id },
  );
}
