import { executePrepared, query, type Db } from '../db/database';
import type { EndedAttempt, Ending } from '../domain/ending';

/** Writes attempts that a stored answer or a closed door ended. An attempt that has ended stays as it is. */
export async function insertEndedAttempts(
  db: Db,
  of: readonly { enrichmentId: string; attempts: readonly EndedAttempt[] }[] | readonly Ending[],
): Promise<void> {
  const rows = of.flatMap(({ enrichmentId, attempts }) =>
    attempts.map((attempt) => ({ enrichmentId, ...attempt })),
  );
  if (rows.length === 0) return;
  await executePrepared(
    db,
    `INSERT INTO attempts (enrichment_id, provider, lookup_id, shared, outcome, error, started_at, ended_at)
     SELECT a."enrichmentId", a.provider, a."lookupId", a."lookupId" IS NOT NULL, a.outcome, a.error, clock_timestamp(), clock_timestamp()
       FROM jsonb_to_recordset(:rows::jsonb) AS a ("enrichmentId" uuid, provider text, "lookupId" uuid, outcome text, error text)
      ORDER BY a."enrichmentId", a.provider
     ON CONFLICT (enrichment_id, provider) DO UPDATE
        SET lookup_id = excluded.lookup_id, outcome = excluded.outcome, error = excluded.error, ended_at = excluded.ended_at
      WHERE attempts.outcome IS NULL`,
    { rows: JSON.stringify(rows) },
  );
}

/** What a provider charged for a row, in its own credits: as it said, else by its price; null where neither is known. */
export interface Charge {
  enrichmentId: string;
  provider: string;
  credits: number | null;
}

/** What answers cost these rows. What another row carries cost them nothing; a failed call is taken to be free. */
export async function listCharges(db: Db, enrichmentIds: readonly string[]): Promise<Charge[]> {
  return query<Charge>(
    db,
    `SELECT enrichment_id AS "enrichmentId", provider, coalesce(stated_cost, provider_cost) AS credits
       FROM attempts
      WHERE enrichment_id = ANY(:ids::uuid[]) AND NOT shared AND outcome IN ('hit', 'miss')`,
    { ids: [...enrichmentIds] },
  );
}
