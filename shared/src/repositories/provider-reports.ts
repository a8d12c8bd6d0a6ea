import { query, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';
import type { BreakerKind } from './provider-limits';

/** What came of asking one provider for one field. Counts are of questions: a call may hold many. */
export interface ProviderPerformance {
  provider: string;
  field: Field;
  /** Asked of the provider: the six that follow add up to it. */
  asked: number;
  hits: number;
  misses: number;
  restricted: number;
  failed: number;
  /** Not answered yet. */
  awaited: number;
  /** Answered by what another enrichment had asked, without a call. */
  reused: number;
  /** Passed over without a call. */
  skipped: number;
  /** What was charged, in the provider's own credits: as it said, else by its price. */
  credits: number;
  /** Answers of which neither is known. */
  unpriced: number;
  /** From the call's departure to its answer, of an asynchronous provider from the submission; null where none was answered. */
  p50Ms: number | null;
  p95Ms: number | null;
  /** Calls that were made again after a crash. */
  repeats: number;
  /** The most frequent reason of what failed or was passed over, its seconds written as N; null where there is none. */
  commonFault: string | null;
}

/** Written twice, sorted once: PostgreSQL computes equal aggregates together. */
const PERCENTILES = `percentile_cont(CAST('{0.5,0.95}' AS float8[])) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE is_asked AND duration_ms > 0)`;

/**
 * What came of every attempt since then, by provider and field, of one organisation or (null) of all. Reads the attempts of the
 * time only, by their block range index: a million take some five seconds, so that the caller should allow long statements.
 */
export function listProviderPerformance(
  db: Db,
  { since, orgId }: { since: Date; orgId: string | null },
): Promise<ProviderPerformance[]> {
  return query<ProviderPerformance>(
    db,
    `WITH repeated AS MATERIALIZED (
       SELECT id, ask, repeats FROM lookups WHERE repeats > 0
     ), tried AS (
       SELECT a.provider, e.field, a.outcome, a.shared, a.duration_ms, coalesce(a.stated_cost, a.provider_cost) AS credits, a.error,
              NOT a.shared AND a.outcome IS DISTINCT FROM 'skipped' AS is_asked, r.repeats
         FROM attempts a
         JOIN enrichments e ON e.id = a.enrichment_id
         LEFT JOIN repeated r ON r.id = a.lookup_id AND r.ask = a.ask AND NOT a.shared
        WHERE a.started_at >= :since AND (CAST(:orgId AS uuid) IS NULL OR e.org_id = CAST(:orgId AS uuid))
     )
     SELECT provider, field,
            count(*) FILTER (WHERE is_asked) AS asked,
            count(*) FILTER (WHERE is_asked AND outcome = 'hit') AS hits,
            count(*) FILTER (WHERE is_asked AND outcome = 'miss') AS misses,
            count(*) FILTER (WHERE is_asked AND outcome = 'restricted') AS restricted,
            count(*) FILTER (WHERE is_asked AND outcome = 'failed') AS failed,
            count(*) FILTER (WHERE is_asked AND outcome IS NULL) AS awaited,
            count(*) FILTER (WHERE shared) AS reused,
            count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
            coalesce(sum(credits) FILTER (WHERE is_asked), 0)::float8 AS credits,
            count(*) FILTER (WHERE is_asked AND outcome IN ('hit', 'miss') AND credits IS NULL) AS unpriced,
            (${PERCENTILES})[1] AS "p50Ms",
            (${PERCENTILES})[2] AS "p95Ms",
            coalesce(sum(repeats), 0)::integer AS repeats,
            mode() WITHIN GROUP (ORDER BY regexp_replace(error, '\\d+ s\\M', 'N s', 'g'))
              FILTER (WHERE outcome IN ('failed', 'skipped')) AS "commonFault"
       FROM tried GROUP BY provider, field ORDER BY provider, field`,
    { since, orgId },
  );
}

/** How much of one window is used now. */
export interface WindowUse {
  windowMs: number;
  unit: 'calls' | 'records';
  used: number;
  /** What the provider names as its limit; null where it names none that counts. */
  told: number | null;
}

export interface ProviderAccountState {
  /** Provider, base URL, a fingerprint of the key, and the endpoint where it is counted by itself. */
  account: string;
  inFlight: number;
  windows: WindowUse[];
  /** Null where the provider may be asked. `remainingSeconds` 0: its next call is a trial, and closes it if it succeeds. */
  breaker: { kind: BreakerKind; reason: string; remainingSeconds: number; reopened: number } | null;
}

/** Every account that was ever asked, as it stands now. */
export function listProviderAccounts(db: Db): Promise<ProviderAccountState[]> {
  return query<ProviderAccountState>(
    db,
    `SELECT a.account,
            (SELECT coalesce(sum(places), 0)::integer FROM provider_slots
              WHERE account = a.account AND expires_at > clock_timestamp()) AS "inFlight",
            (SELECT coalesce(json_agg(json_build_object('windowMs', l.window_ms, 'unit', l.unit, 'told', t.amount, 'used',
                      (SELECT coalesce(sum(b.used), 0) FROM unnest(l.ends_ms, l.used) AS b (ends_ms, used)
                        WHERE b.ends_ms + l.window_ms > now.ms)) ORDER BY l.window_ms, l.unit), '[]')
               FROM provider_limits l
               LEFT JOIN provider_told_limits t
                 ON t.account = l.account AND t.window_ms = l.window_ms AND t.unit = l.unit AND t.expires_ms > now.ms
              WHERE l.account = a.account) AS windows,
            (SELECT json_build_object('kind', kind, 'reason', reason, 'reopened', reopened, 'remainingSeconds',
                      greatest(0, ceil(extract(epoch FROM open_until - clock_timestamp()))))
               FROM provider_breakers
              WHERE account = a.account AND (open_until > clock_timestamp() OR kind <> 'rate')) AS breaker
       FROM (SELECT account FROM provider_accounts UNION SELECT account FROM provider_breakers) a
      CROSS JOIN (SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms) now
      ORDER BY a.account`,
  );
}
