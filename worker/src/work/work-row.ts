import type { EndedAttempt } from '@leadwell/shared/domain/ending';
import type { Field } from '@leadwell/shared/domain/enrichment';
import type { LookupKey } from '@leadwell/shared/repositories/lookups';
import type { Question } from '@leadwell/shared/domain/question';
import type { BatchRun } from './batch-run';
import type { LeasedBatch } from '@leadwell/shared/settle/settle';

export type AttemptOutcome = 'hit' | 'miss' | 'restricted' | 'failed' | 'skipped';

/** A provider's turn at a row: its question, and what came of it so far. */
export interface Turn {
  provider: string;
  question: Question;
  key: LookupKey;
  /** Why it is passed over without being asked; null where it can be asked. */
  closedBecause: string | null;
  /** Null: not asked yet, or asked and not answered. */
  outcome: AttemptOutcome | null;
  /** Why it failed or was skipped, for a person. */
  error: string | null;
}

/** A batch under this worker's lease. `signal` aborts when the lease is lost or the process stops: no new ask after that. */
export interface WorkBatch extends LeasedBatch {
  /** Came back from a worker that died: pooled with nothing. */
  alone: boolean;
  signal: AbortSignal;
}

/** One pending enrichment while a worker has it. */
export interface WorkRow {
  enrichmentId: string;
  field: Field;
  run: BatchRun;
  /** As PostgreSQL wrote it: misses answered before do not count where `retryNotFound`. */
  acceptedAtText: string;
  acceptedAtMs: number;
  retryNotFound: boolean;
  /** The providers that can take this lead, in the order of the waterfall. */
  turns: Turn[];
  /** What ended without an ask and is not written yet; goes along with the next ask or the settle. */
  unwritten: EndedAttempt[];
  /** What providers took for this row so far, all together; waiting is not counted. */
  spentMs: number;
  /** What providers charged for this row so far, in the unit of the budget; 0 where there is none. */
  spentCost: number;
  plannedAtMs: number;
}
