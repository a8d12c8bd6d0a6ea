/** Accepted work that waits for workers, made by SQL, and what became of it. */
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import type { Client } from 'pg';
import { acceptByHand } from '../floors/accept-floor';
import type { Tenant } from './tenants';

/** Accepts leads, all new to the tenant, in orders of `orderSize`. No worker sees them before their release. */
export async function acceptHeldBack(
  client: Client,
  tenant: Tenant,
  leadIds: readonly string[],
  orderSize = 1000,
): Promise<void> {
  for (let start = 0; start < leadIds.length; start += orderSize)
    await acceptByHand(client, { ...tenant, leadIds: leadIds.slice(start, start + orderSize) });
}

/** What was held back is due now: a worker's next check, at most CHECK_SECONDS away, begins with it. */
export async function release(client: Client): Promise<void> {
  await client.query(
    `UPDATE batches SET next_check_at = clock_timestamp() WHERE completed_at IS NULL AND next_check_at = 'infinity'`,
  );
}

/** What became of the work of some tenants. */
export interface DrainedWork {
  leads: number;
  /** From the first lease until the last lead ended. */
  seconds: number;
}

const DRAIN_MS = 240_000;

/** Waits until nothing of these tenants is open. Throws where leads failed that nothing speaks against: a broken drain is no fast one. */
export async function waitUntilDrained(
  client: Client,
  tenants: readonly Tenant[],
  timeoutMs = DRAIN_MS,
): Promise<DrainedWork> {
  const values = [tenants.map(({ orgId }) => orgId)];
  const isDone = async (): Promise<boolean> => {
    const { rowCount } = await client.query(
      'SELECT FROM batches WHERE org_id = ANY($1::uuid[]) AND completed_at IS NULL LIMIT 1',
      values,
    );
    return rowCount === 0;
  };
  await waitUntil(isDone, { timeoutMs, message: 'the workers to drain' });
  const { rows } = await client.query<DrainedWork & { failed: number }>(
    `SELECT count(*)::int AS leads, count(*) FILTER (WHERE e.status <> 'finished' AND l.state IS DISTINCT FROM 'restricted')::int AS failed,
            extract(epoch FROM max(e.ended_at) - (SELECT min(started_at) FROM batches WHERE org_id = ANY($1::uuid[])))::float8 AS seconds
       FROM enrichments e LEFT JOIN attempts a ON a.enrichment_id = e.id LEFT JOIN lookups l ON l.id = a.lookup_id
      WHERE e.org_id = ANY($1::uuid[])`,
    values,
  );
  const [work] = rows;
  if (!work || work.failed > 0)
    throw new Error(`${work?.failed ?? 'All'} leads failed while they were drained.`);
  return work;
}
