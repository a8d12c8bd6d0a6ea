import { query, type Db } from '../db/database';

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
}

/** The attempts of one enrichment, in the order they were made. */
export function listAttempts(db: Db, enrichmentId: string): Promise<AttemptReport[]> {
  return query<AttemptReport>(
    db,
    `SELECT provider, outcome, error, duration_ms AS "latencyMs", provider_cost AS "providerCost",
            stated_cost AS "statedCost", shared,
            lookup_id AS "globalEnrichmentId", started_at AS "startedAt", ended_at AS "endedAt"
     FROM attempts WHERE enrichment_id = ? ORDER BY started_at, provider`,
    [enrichmentId],
  );
}
