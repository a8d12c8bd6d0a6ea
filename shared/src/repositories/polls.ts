import { execute, query, type Db } from '../db/database';

/** A question that its provider has taken, and answers later. */
export interface Submission {
  lookupId: string;
  ask: number;
  externalId: string;
}

/**
 * Completes submissions: from here on these questions are polled, never asked again, by whoever waits for them. Nothing
 * happens to a question that was taken over meanwhile. `statedEach`: what the provider says each cost so far; null where it does not.
 */
export async function storeSubmissions(
  db: Db,
  submissions: readonly Submission[],
  { pollInSeconds, statedEach }: { pollInSeconds: number; statedEach: number | null },
): Promise<void> {
  await execute(
    db,
    `WITH ours AS (
       SELECT l.id, l.ask, s.external_id
         FROM lookups l JOIN unnest(:ids::uuid[], :asks::int[], :externalIds::text[]) AS s (id, ask, external_id) ON l.id = s.id
        WHERE l.ask = s.ask AND l.state = 'asked'
        ORDER BY l.provider, l.base_url, l.field, l.input_hash, l.scope FOR NO KEY UPDATE OF l
     ), stated AS (
       UPDATE attempts t SET stated_cost = :statedEach FROM ours o
        WHERE t.lookup_id = o.id AND t.ask = o.ask AND NOT t.shared AND t.outcome IS NULL AND CAST(:statedEach AS numeric) IS NOT NULL
     )
     UPDATE lookups l
        SET external_id = o.external_id, poll_at = clock_timestamp() + make_interval(secs => :pollInSeconds)
       FROM ours o WHERE l.id = o.id`,
    {
      ids: submissions.map((submission) => submission.lookupId),
      asks: submissions.map((submission) => submission.ask),
      externalIds: submissions.map((submission) => submission.externalId),
      pollInSeconds,
      statedEach,
    },
  );
}

export interface ClaimedPoll extends Submission {
  /** Since the submission was recorded. */
  askedSecondsAgo: number;
}

/**
 * Claims those of these questions whose poll is due, by moving `poll_at` ahead: of several who wait, one polls. Returns
 * the claimed; a crash of who claims costs one interval.
 */
export async function claimPolls(
  db: Db,
  lookupIds: readonly string[],
  nextPollInSeconds: number,
): Promise<ClaimedPoll[]> {
  return query<ClaimedPoll>(
    db,
    `WITH due AS (
       SELECT l.id FROM lookups l
        WHERE l.id = ANY(:lookupIds::uuid[]) AND l.state = 'asked' AND l.external_id IS NOT NULL
          AND (l.poll_at IS NULL OR l.poll_at <= clock_timestamp())
        ORDER BY l.provider, l.base_url, l.field, l.input_hash, l.scope FOR NO KEY UPDATE
     )
     UPDATE lookups l SET poll_at = clock_timestamp() + make_interval(secs => :nextPollInSeconds)
       FROM due d WHERE l.id = d.id
     RETURNING l.id AS "lookupId", l.ask, l.external_id AS "externalId",
               extract(epoch FROM clock_timestamp() - l.asked_at)::float8 AS "askedSecondsAgo"`,
    { lookupIds: [...lookupIds], nextPollInSeconds },
  );
}

/** Sets when questions that were polled in vain are polled next. */
export async function postponePolls(
  db: Db,
  lookupIds: readonly string[],
  pollInSeconds: number,
): Promise<void> {
  await execute(
    db,
    `WITH ours AS (
       SELECT l.id FROM lookups l WHERE l.id = ANY(:lookupIds::uuid[]) AND l.state = 'asked'
        ORDER BY l.provider, l.base_url, l.field, l.input_hash, l.scope FOR NO KEY UPDATE
     )
     UPDATE lookups l SET poll_at = clock_timestamp() + make_interval(secs => :pollInSeconds) FROM ours o WHERE l.id = o.id`,
    { lookupIds: [...lookupIds], pollInSeconds },
  );
}
