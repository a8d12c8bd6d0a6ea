import { execute, query, type Db } from '../db/database';
import { deleteInPortions } from '../db/delete-in-portions';

/** What is kept of a call that was accepted under an Idempotency-Key. */
export interface KeptAnswer {
  requestId: string;
  fingerprint: Buffer;
  creditsCharged: number;
}

/**
 * Takes the right to run under a key until the transaction ends; false where another call holds it now. Never waits: the
 * caller tells its client that the first call is still in flight. Held by the transaction, so a crash frees it.
 */
export async function claimIdempotencyKey(db: Db, orgId: string, key: string): Promise<boolean> {
  const [row] = await query<{ granted: boolean }>(
    db,
    'SELECT pg_try_advisory_xact_lock(hashtextextended(?, 0)) AS granted',
    [`idempotency:${orgId}:${key}`],
  );
  return row?.granted ?? false;
}

/** What was answered under a key; null where nothing was. A statement later than the claim, so that it sees what the call before committed. */
export async function findKeptAnswer(db: Db, orgId: string, key: string): Promise<KeptAnswer | null> {
  const [row] = await query<{ request_id: string; fingerprint: Buffer; credits_charged: number }>(
    db,
    `SELECT k.request_id, k.fingerprint, r.credits_charged
     FROM idempotency_keys k JOIN requests r ON r.id = k.request_id
     WHERE k.org_id = ? AND k.key = ?`,
    [orgId, key],
  );
  return row
    ? { requestId: row.request_id, fingerprint: row.fingerprint, creditsCharged: row.credits_charged }
    : null;
}

export async function keepAnswer(
  db: Db,
  kept: { orgId: string; key: string; fingerprint: Buffer; requestId: string; at: Date },
): Promise<void> {
  await execute(
    db,
    `INSERT INTO idempotency_keys (org_id, key, fingerprint, request_id, created_at)
     VALUES (:orgId, :key, :fingerprint, :requestId, :at)`,
    kept,
  );
}

/**
 * Forgets keys older than the time they are promised for, 24 hours, with a margin. Gives how many. Any number of processes may
 * do it at once: none waits for another's rows.
 */
export function deleteOldIdempotencyKeys(db: Db): Promise<number> {
  return deleteInPortions((limit) =>
    execute(
      db,
      `DELETE FROM idempotency_keys WHERE (org_id, key) IN (
         SELECT org_id, key FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '48 hours'
          ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
       )`,
      { limit },
    ),
  );
}
