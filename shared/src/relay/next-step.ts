import { DELIVERIES_AT_MOST, DELIVERIES_BEFORE_SPLIT, type DueBatch } from '../repositories/due-batches';
import type { BatchJobState } from '../queue/batch-queues';

/** What the relay does with a claimed batch, as far as PostgreSQL alone decides it. */
export type Step =
  | 'end_timeout'
  | 'end_failed'
  | 'split'
  | 'complete'
  | 'leave'
  /** Queued as far as we know: BullMQ decides. */
  | 'ask_queue'
  | 'raise';

/** In this order: the first that applies. */
export function nextStep(batch: DueBatch): Step {
  if (batch.deadlinePassed) return 'end_timeout';
  if (batch.pendingCount === 0) return 'complete';
  if (batch.leaseLive) return 'leave';
  if (batch.deliveries >= DELIVERIES_AT_MOST) return 'end_failed';
  if (batch.deliveries >= DELIVERIES_BEFORE_SPLIT && batch.pendingCount > 1) return 'split';
  if (batch.notBeforeAhead) return 'leave';
  return batch.queued && batch.generation > 0 ? 'ask_queue' : 'raise';
}

/** What BullMQ's word means for a batch that should be queued, and is leased by nobody. */
export function stepForJob(batch: DueBatch, state: BatchJobState): 'leave' | 'raise' {
  if (state === 'waiting' || state === 'prioritized' || state === 'delayed') return 'leave';
  // An active job whose batch nobody leases is about to take it, or has died.
  if (state === 'active') return batch.quiet ? 'raise' : 'leave';
  return 'raise';
}
