import type { BatchJobState } from '../queue/batch-queues';
import type { BatchState, StoredBatchState } from '../repositories/batch-states';
import { DELIVERIES_AT_MOST, DELIVERIES_BEFORE_SPLIT } from '../repositories/due-batches';

/** The word for a batch that an operator sees. `ghost`: the queue calls its job active, and nobody works it. */
export type ShownBatchState = StoredBatchState | 'ghost';

export interface BatchExplanation {
  state: ShownBatchState;
  /** One sentence: why it is in that state, and who takes the next step when. */
  why: string;
}

/** What the queue said of a job; `unasked` where that does not matter, `unreachable` where it did not answer. */
export type AskedJobState = BatchJobState | 'unasked' | 'unreachable';

/** A relay looks every CHECK_SECONDS (2 by default, 60 at most): later than this after its time, none is looking. */
export const LATE_CHECK_SECONDS = 30;

/**
 * Why a batch is where it is, by the rules of nextStep and stepForJob, in words. Pure.
 * `queuedAtMost` is how many batches of a field one organisation may have in the queue.
 */
export function explainBatch(batch: BatchState, job: AskedJobState, queuedAtMost: number): BatchExplanation {
  if (batch.state === 'queued') return explainQueued(batch, job);
  return { state: batch.state, why: REASONS[batch.state](batch, queuedAtMost) };
}

const REASONS: Record<
  Exclude<StoredBatchState, 'queued'>,
  (batch: BatchState, queuedAtMost: number) => string
> = {
  complete: () => 'All of its rows have ended.',
  overdue: (batch) => `Its deadline has passed; the relay ends and refunds what is left${nextLook(batch)}.`,
  leased: (batch) =>
    `${batch.leasedBy ?? 'A worker'} works it; ${batch.asking ? `asking ${batch.asking}` : 'no call is under way: its rows wait for a turn or a limit'}.`,
  waiting: (batch) => `It was told to wait ${inWords(batch.waitSeconds ?? 0)}; nobody takes it before.`,
  due: explainDue,
};

function explainDue(batch: BatchState, queuedAtMost: number): string {
  if (batch.pendingCount === 0) return `No row is pending; the relay completes it${nextLook(batch)}.`;
  if (batch.deliveries >= DELIVERIES_BEFORE_SPLIT) return explainReturned(batch);
  if (batch.queuedBeside >= queuedAtMost) {
    return `Its organisation has ${batch.queuedBeside} batches of this field in the queue, as many as it may; this one follows.`;
  }
  return `It is to be queued by the relay${nextLook(batch)}.`;
}

function explainReturned(batch: BatchState): string {
  const died = `${batch.deliveries} workers died with it`;
  if (batch.deliveries >= DELIVERIES_AT_MOST)
    return `${died}; the relay ends it as failed, refunded${nextLook(batch)}.`;
  if (batch.pendingCount > 1) return `${died}; the relay splits it into single leads${nextLook(batch)}.`;
  return `${died}; it is tried once more, alone${nextLook(batch)}.`;
}

function explainQueued(batch: BatchState, job: AskedJobState): BatchExplanation {
  if (batch.pendingCount === 0 || batch.deliveries >= DELIVERIES_BEFORE_SPLIT)
    return { state: 'due', why: explainDue(batch, Infinity) };
  switch (job) {
    case 'waiting':
    case 'prioritized':
    case 'delayed':
      return { state: 'queued', why: 'Its job waits in the queue for a worker that is free.' };
    case 'active':
      return batch.quiet
        ? {
            state: 'ghost',
            why: `The queue calls its job active, and nobody works it; the relay makes it a new job${nextLook(batch)}.`,
          }
        : { state: 'queued', why: 'A worker has just taken its job, or has just left it.' };
    case 'unreachable':
    case 'unasked':
      return { state: 'queued', why: 'It was queued; the queue cannot be asked for its job now.' };
    case 'unknown':
    case 'completed':
    case 'failed':
    case 'waiting-children':
      return {
        state: 'due',
        why: `The queue has no job of it: lost, or refused by a full Redis; the relay makes it a new one${nextLook(batch)}.`,
      };
  }
}

/** When the relay looks next; and who is missing where it should have long looked. */
function nextLook({ nextCheckSeconds }: BatchState): string {
  if (nextCheckSeconds < -LATE_CHECK_SECONDS)
    return `, which should have looked ${inWords(-nextCheckSeconds)} ago: no worker seems to run`;
  return nextCheckSeconds > 1 ? ` in ${inWords(nextCheckSeconds)}` : ' at its next look';
}

/** A span for a person: `45 s`, `12 min`, `3.5 h`. */
export function inWords(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3_600).toFixed(1)} h` : `${Math.round(seconds / 86_400)} days`;
}
