import { execute, executePrepared, queryPrepared, type Db } from '../db/database';
import { newId } from '../domain/ids';
import { PENDING, type Candidate, type Field } from '../domain/enrichment';
import { bindLookupKeys, type LookupKey, type LookupState } from './lookups';
import { candidateHashes } from './suppression-checks';

/**
 * Locks, FOR SHARE and in id order, those rows that are pending in a batch under our fence: a cancel, a sweep or a
 * settle of them waits until the ask is written, and sees it. Returns their ids.
 */
export async function lockRowsToAsk(
  db: Db,
  rows: readonly { orgId: string; enrichmentId: string; fence: number }[],
): Promise<ReadonlySet<string>> {
  const locked = await queryPrepared<{ id: string }>(
    db,
    `SELECT e.id
       FROM (SELECT * FROM unnest(:orgIds::uuid[], :ids::uuid[], :fences::bigint[]) AS u (org_id, id, fence) ORDER BY id) w
      CROSS JOIN LATERAL (
        SELECT id FROM enrichments e
         WHERE org_id = w.org_id AND id = w.id AND status = :pending
           AND w.fence = (SELECT fence FROM batches b WHERE b.id = e.batch_id)
         LIMIT 1 FOR SHARE
      ) e`,
    {
      pending: PENDING,
      orgIds: rows.map((row) => row.orgId),
      ids: rows.map((row) => row.enrichmentId),
      fences: rows.map((row) => row.fence),
    },
  );
  return new Set(locked.map((row) => row.id));
}

export interface ClaimToAsk extends LookupKey {
  /** Take over a miss that was answered before this; null: no fresh miss is taken over. */
  missesBeforeText: string | null;
}

export interface ClaimedLookup extends LookupKey {
  id: string;
  ask: number;
  /** `failed`: it was taken over twice already; it is asked no more for a while. */
  state: 'asked' | 'failed';
}

/** After this many calls that crashes made us repeat, a question fails instead of being asked again. */
const REPEATS_AT_MOST = 2;

/**
 * Claims questions to be asked: inserts their lookups as `asked`, or takes over expired ones, in the order of the
 * unique key. A question that another is asking, that was submitted and is only polled, or that has a fresh answer, is
 * left out.
 */
export async function claimLookups(
  db: Db,
  field: Field,
  claims: readonly ClaimToAsk[],
  leaseSeconds: number,
): Promise<ClaimedLookup[]> {
  return queryPrepared<ClaimedLookup>(
    db,
    `INSERT INTO lookups AS l (id, provider, base_url, field, input_hash, scope, state, asked_at, expires_at)
     SELECT c.id, c.provider, c.base_url, :field, c.input_hash, c.scope, 'asked', clock_timestamp(),
            clock_timestamp() + make_interval(secs => :leaseSeconds)
       FROM unnest(:ids::uuid[], :providers::text[], :baseUrls::text[], :inputHashes::bytea[], :scopes::uuid[])
              AS c (id, provider, base_url, input_hash, scope)
      ORDER BY c.provider, c.base_url, c.input_hash, c.scope
     ON CONFLICT (provider, base_url, field, input_hash, scope) DO UPDATE
        SET state = CASE WHEN l.state = 'asked' AND l.repeats >= :repeatsAtMost THEN 'failed' ELSE 'asked' END,
            error = CASE WHEN l.state = 'asked' AND l.repeats >= :repeatsAtMost
                         THEN 'asked ' || (l.repeats + 1) || ' times without an answer reaching us' END,
            ask = l.ask + 1,
            repeats = CASE WHEN l.state = 'asked' THEN l.repeats + 1 ELSE 0 END,
            asked_at = clock_timestamp(), answered_at = NULL, candidates = NULL, external_id = NULL, poll_at = NULL,
            expires_at = CASE WHEN l.state = 'asked' AND l.repeats >= :repeatsAtMost
                              THEN clock_timestamp() + interval '60 seconds' ELSE excluded.expires_at END
      WHERE (l.expires_at <= clock_timestamp() AND NOT (l.state = 'asked' AND l.external_id IS NOT NULL))
         OR (l.state = 'miss' AND l.answered_at < (
               SELECT max(m.before) FROM unnest(:inputHashes::bytea[], :missesBefore::timestamptz[]) AS m (input_hash, before)
                WHERE m.input_hash = l.input_hash))
     RETURNING id, provider, base_url AS "baseUrl", input_hash AS "inputHash", scope, ask, state`,
    {
      ...bindLookupKeys(claims),
      ids: claims.map(() => newId()),
      missesBefore: claims.map((claim) => claim.missesBeforeText),
      field,
      leaseSeconds,
      repeatsAtMost: REPEATS_AT_MOST,
    },
  );
}

export interface NewAttempt {
  enrichmentId: string;
  provider: string;
  lookupId: string;
  ask: number;
  /** Another row of the same call carries the call and its cost. */
  shared: boolean;
}

/** Writes that rows ask. An attempt without an outcome, left by a crash, is taken over; one that has ended stays. */
export async function insertAskedAttempts(db: Db, attempts: readonly NewAttempt[]): Promise<void> {
  await executePrepared(
    db,
    `INSERT INTO attempts (enrichment_id, provider, lookup_id, ask, shared, started_at)
     SELECT a."enrichmentId", a.provider, a."lookupId", a.ask, a.shared, clock_timestamp()
       FROM jsonb_to_recordset(:attempts::jsonb) AS a ("enrichmentId" uuid, provider text, "lookupId" uuid, ask int, shared boolean)
      ORDER BY a."enrichmentId", a.provider
     ON CONFLICT (enrichment_id, provider) DO UPDATE
        SET lookup_id = excluded.lookup_id, ask = excluded.ask, shared = excluded.shared, started_at = excluded.started_at
      WHERE attempts.outcome IS NULL`,
    { attempts: JSON.stringify(attempts) },
  );
}

/** What a provider said to one lookup, under one asking. */
export interface LookupAnswer {
  lookupId: string;
  ask: number;
  state: Exclude<LookupState, 'asked'>;
  candidates: Candidate[] | null;
  error: string | null;
  /** How long the answer stays fresh. */
  freshSeconds: number;
  durationMs: number;
  /** By the provider's published price. */
  costCredits: number | null;
  /** This question's share of what the provider says its call cost; null where it says nothing. */
  statedCredits: number | null;
}

const ASKED_LOOKUP = `CROSS JOIN LATERAL (SELECT id, provider, input_hash FROM lookups WHERE id = a."lookupId" LIMIT 1) l`;

/**
 * Stores answers: one statement, without fence, that only updates. A paid answer is never thrown away: a hit is stored
 * unless a hit or a restriction is there, whoever asks meanwhile: that a provider may not speak of a person outweighs what it
 * said late; miss and restricted only while `asked`; failed only while `asked` under one's own ask. Every attempt of that asking gets its own outcome, duration and cost.
 *
 * What a provider may not tell suppresses exactly the question that it was asked, for everybody, in the same statement. A hit
 * about somebody who is suppressed for everybody, by the question or by a value in it, is kept as restricted, without values:
 * the claim may be older than the entry.
 */
export async function storeAnswers(db: Db, answers: readonly LookupAnswer[]): Promise<void> {
  await executePrepared(
    db,
    `WITH answer AS (
       SELECT * FROM jsonb_to_recordset(:answers::jsonb) AS a ("lookupId" uuid, ask int, state text, candidates jsonb, error text,
              "freshSeconds" float8, "durationMs" int, "costCredits" numeric, "statedCredits" numeric)
     ), locked AS (
       SELECT l.id FROM lookups l WHERE l.id = ANY(ARRAY(SELECT "lookupId" FROM answer))
        ORDER BY l.provider, l.base_url, l.field, l.input_hash, l.scope FOR NO KEY UPDATE
     ), refused AS (
       SELECT l.id FROM answer a ${ASKED_LOOKUP}
        WHERE a.state = 'hit' AND EXISTS (SELECT FROM suppressions)
          AND EXISTS (SELECT FROM (SELECT l.input_hash AS hash UNION ALL ${candidateHashes(`CASE a.state WHEN 'hit' THEN a.candidates ELSE '[]' END`)}) h
                       WHERE EXISTS (SELECT FROM suppressions s WHERE s.hash = h.hash AND s.org_id IS NULL))
     ), restricting AS (
       INSERT INTO suppressions (id, org_id, kind, hash, source, reason, created_by)
       SELECT DISTINCT ON (l.input_hash) gen_random_uuid(), CAST(NULL AS uuid), 'question', l.input_hash, 'provider',
              l.provider || ': ' || coalesce(a.error, 'may not tell'), l.provider
         FROM answer a ${ASKED_LOOKUP}
        WHERE a.state = 'restricted'
        ORDER BY l.input_hash
       ON CONFLICT (hash, org_id) DO NOTHING
     ), stored AS (
       UPDATE lookups l
          SET state = CASE WHEN r.id IS NULL THEN a.state ELSE 'restricted' END,
              candidates = CASE WHEN r.id IS NULL THEN nullif(a.candidates, 'null') END,
              error = CASE WHEN r.id IS NULL THEN a.error ELSE 'the person is suppressed' END, answered_at = clock_timestamp(),
              expires_at = clock_timestamp() + make_interval(secs => a."freshSeconds")
         FROM answer a JOIN locked k ON k.id = a."lookupId" LEFT JOIN refused r ON r.id = a."lookupId"
        WHERE l.id = a."lookupId" AND l.id = ANY(ARRAY(SELECT "lookupId" FROM answer))
          AND CASE a.state WHEN 'hit' THEN l.state NOT IN ('hit', 'restricted') OR l.expires_at <= clock_timestamp()
                           WHEN 'failed' THEN l.state = 'asked' AND l.ask = a.ask
                           ELSE l.state = 'asked' END
     )
     UPDATE attempts t
        SET outcome = CASE WHEN r.id IS NULL THEN a.state ELSE 'restricted' END,
            error = CASE WHEN r.id IS NULL THEN a.error ELSE 'the person is suppressed' END, duration_ms = a."durationMs", ended_at = clock_timestamp(),
            provider_cost = CASE WHEN NOT t.shared THEN a."costCredits" END,
            -- A submission may have stated its part already; of an answer, a sum of which a part is not told is not told.
            stated_cost = CASE WHEN a.state = 'failed' THEN t.stated_cost WHEN NOT t.shared THEN coalesce(t.stated_cost, 0) + a."statedCredits" END
       FROM answer a LEFT JOIN refused r ON r.id = a."lookupId"
      WHERE t.lookup_id = a."lookupId" AND t.lookup_id = ANY(ARRAY(SELECT "lookupId" FROM answer)) AND t.ask = a.ask AND t.outcome IS NULL`,
    { answers: JSON.stringify(answers) },
  );
}

/** Keeps questions of calls under way from being taken over. */
export async function renewAsks(
  db: Db,
  asks: readonly { lookupId: string; ask: number }[],
  leaseSeconds: number,
): Promise<void> {
  if (asks.length === 0) return;
  await execute(
    db,
    `WITH ours AS (
       SELECT l.id FROM lookups l JOIN unnest(:ids::uuid[], :asks::int[]) AS a (id, ask) ON l.id = a.id
        WHERE l.ask = a.ask AND l.state = 'asked'
        ORDER BY l.provider, l.base_url, l.field, l.input_hash, l.scope FOR NO KEY UPDATE OF l
     )
     UPDATE lookups l SET expires_at = clock_timestamp() + make_interval(secs => :leaseSeconds) FROM ours o WHERE l.id = o.id`,
    { ids: asks.map((ask) => ask.lookupId), asks: asks.map((ask) => ask.ask), leaseSeconds },
  );
}

/**
 * Takes back questions that were never answered and will not be: the provider said wait, and we stop. As absent from
 * now on; the attempts stay open, so that the next worker may ask this provider.
 */
export async function releaseAsks(db: Db, asks: readonly { lookupId: string; ask: number }[]): Promise<void> {
  await execute(
    db,
    `UPDATE lookups l SET state = 'failed', error = 'taken back before an answer', expires_at = clock_timestamp()
       FROM unnest(:ids::uuid[], :asks::int[]) AS a (id, ask)
      WHERE l.id = a.id AND l.ask = a.ask AND l.state = 'asked'`,
    { ids: asks.map((ask) => ask.lookupId), asks: asks.map((ask) => ask.ask) },
  );
}
