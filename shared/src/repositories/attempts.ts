import { execute, type Db } from '../db/database';
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
  await execute(
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
