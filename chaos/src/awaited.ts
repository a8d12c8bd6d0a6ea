/** What rows that stay pending wait for: where to look first when a run does not end. */
import { query, type Knex } from '@leadwell/shared/db/database';

const TOLD_AT_MOST = 6;

const ROWS = `
  SELECT format('%s of batch %s (fence %s, held by %s): %s', right(e.id::text, 6), right(e.batch_id::text, 6), b.fence,
           CASE WHEN b.lease_until > clock_timestamp() THEN split_part(b.leased_by, ':', 2) ELSE 'nobody' END,
           coalesce((SELECT string_agg(format('%s %s, question %s%s', a.provider, coalesce(a.outcome, 'not answered'),
                              coalesce(l.state || ' until ' || l.expires_at::timestamptz(0), 'none'),
                              ', polled ' || l.poll_at::timestamptz(0)), '; ' ORDER BY a.started_at)
                       FROM attempts a LEFT JOIN lookups l ON l.id = a.lookup_id WHERE a.enrichment_id = e.id), 'nobody asked')) AS line
    FROM enrichments e JOIN batches b ON b.id = e.batch_id
   WHERE e.status = 'pending' ORDER BY e.id LIMIT ${TOLD_AT_MOST}`;

const ACCOUNTS = `
  SELECT format('%s: %s', account, string_agg(line, '; ')) AS line
    FROM (SELECT account, format('%s until %s', kind, open_until::timestamptz(0)) FROM provider_breakers
          UNION ALL SELECT account, format('%s places until %s', places, expires_at::timestamptz(0)) FROM provider_slots WHERE places > 0
          UNION ALL SELECT account, format('told %s %s in %s ms', amount, unit, window_ms) FROM provider_told_limits
          UNION ALL SELECT account, format('used %s %s in %s ms', (SELECT sum(u) FROM unnest(used) u), unit, window_ms) FROM provider_limits
         ) AS known (account, line)
   GROUP BY account ORDER BY account`;

const SESSIONS = `
  SELECT format('%s, %s for %s s, waits for %s %s: %s', application_name, state,
           round(extract(epoch FROM clock_timestamp() - state_change)), coalesce(wait_event_type, 'nothing'), coalesce(wait_event, ''),
           left(regexp_replace(query, '\\s+', ' ', 'g'), 160)) AS line
    FROM pg_stat_activity
   WHERE application_name LIKE 'leadwell-%' AND state <> 'idle' ORDER BY state_change LIMIT 20`;

/** A few of the pending rows with whom they were asked of, the providers' limits, and PostgreSQL's sessions at work. */
export async function tellAwaited(knex: Knex): Promise<string> {
  const parts = [ROWS, ACCOUNTS, SESSIONS].map((sql) => query<{ line: string }>(knex, sql));
  return (await Promise.all(parts))
    .flat()
    .map(({ line }) => `  ${line}`)
    .join('\n');
}
