import type { Knex } from '@leadwell/shared/db/database';

/** Statements end after 15 s and idle transactions after 20: a pool in which nothing moves for a minute will not move again. */
const STUCK_MS = 60_000;

interface Pool {
  max: number;
  numUsed(): number;
  numPendingAcquires(): number;
  on(event: 'acquireSuccess' | 'acquireFail' | 'release', listener: () => void): void;
}

/**
 * Watches a pool of connections; gives whether it is stuck: callers wait, every connection is taken, and none was given out
 * or came back for a minute. A database that refuses connections is not that: nothing is taken, and waiting ends by itself.
 */
export function watchPool(knex: Knex, stuckMs = STUCK_MS): () => boolean {
  const pool = (knex.client as { pool: Pool }).pool;
  let movedAtMs = performance.now();
  const move = (): void => void (movedAtMs = performance.now());
  pool.on('acquireSuccess', move);
  pool.on('release', move);
  // Callers give up after 3 s: between two of them nobody waits, and the pool is as stuck as before.
  let failedAtMs = -Infinity;
  pool.on('acquireFail', () => void (failedAtMs = performance.now()));
  const isWanted = (): boolean => pool.numPendingAcquires() > 0 || failedAtMs > movedAtMs;
  return () => isWanted() && pool.numUsed() >= pool.max && performance.now() - movedAtMs > stuckMs;
}
