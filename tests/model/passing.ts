/** Time for the service: deadlines are moved, nothing sleeps. */
import { execute } from '@leadwell/shared/db/database';
import type { Passing } from './relay';
import type { Service } from './service';

export async function passServiceTime(service: Service, what: Passing): Promise<void> {
  const { knex, orgIds, queues, worker } = service;
  if (what === 'queue') queues.jobs.clear();
  if (what === 'stalled jobs')
    for (const job of queues.jobs.keys()) if (!worker.heldJobs().has(job)) queues.jobs.set(job, 'waiting');
  if (what === 'leases')
    await execute(
      knex,
      `UPDATE batches SET lease_until = lease_until - interval '1 hour', not_before = not_before - interval '1 hour',
                          raised_at = raised_at - interval '1 hour'
        WHERE org_id = ANY(?) AND completed_at IS NULL`,
      [orgIds],
    );
  if (what === 'asks' || what === 'results')
    await execute(
      knex,
      `UPDATE lookups SET expires_at = expires_at - interval '2 hours' WHERE input_hash = ANY(?) AND (state = 'asked') = ?`,
      [[...service.hashes.values()], what === 'asks'],
    );
}

export async function passServiceDeadline(service: Service, request: string): Promise<void> {
  await execute(
    service.knex,
    `UPDATE batches SET deadline_at = clock_timestamp() WHERE request_id = ? AND completed_at IS NULL`,
    [service.names.idOf(request)],
  );
}
