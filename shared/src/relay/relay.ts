/**
 * The relay turns due batches into BullMQ jobs and sweeps what is overdue. Jobs are derived from facts: each step can
 * be repeated by anybody, at any time, after any crash. The API calls `publish` after a commit, a worker after the
 * settle that ends a batch, and every worker's loop for everybody.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/config';
import { execute, type Knex } from '../db/database';
import { SHARED_SCOPE } from '../domain/ids';
import { FIELDS } from '../domain/enrichment';
import type { AskableWaterfall } from '../domain/waterfall';
import { batchJobId, type BatchQueues } from '../queue/batch-queues';
import {
  claimDueBatches,
  raiseGenerations,
  type DueBatch,
  type RaisedBatch,
} from '../repositories/due-batches';
import { endBatch } from './end-batch';
import { nextStep, stepForJob } from './next-step';
import { splitBatch } from './split-batch';

/**
 * Batches of each field that one organisation has in BullMQ at most. Fewer than the places of one worker (WORKER_CONCURRENCY is 16 by
 * default): with as many, a flood takes them all, and whoever orders beside it waits until one of them is done.
 */
export const QUEUED_AT_MOST = 12;
const CLAIM_LIMIT = 500;
/** Questions to BullMQ under way at once. */
const STATE_CONCURRENCY = 16;

export interface RelayOptions {
  knex: Knex;
  queues: BatchQueues;
  waterfall: AskableWaterfall;
  config: Pick<Config, 'checkSeconds' | 'shareResults' | 'enrichmentDeadlineHours'>;
  logger: Logger;
}

export interface Relay {
  /**
   * One step: looks at the due batches of these organisations, of all where none is named, and queues, ends or leaves each.
   * Idempotent. Throws only where PostgreSQL cannot be asked; an unreachable queue is logged, the next check tries again.
   */
  publish(...orgIds: string[]): Promise<void>;
}

export function createRelay(options: RelayOptions): Relay {
  return { publish: (...orgIds) => publish(options, orgIds) };
}

async function publish(options: RelayOptions, orgIds: readonly string[]): Promise<void> {
  const { checkSeconds } = options.config;
  const claimed = await claimDueBatches(options.knex, {
    orgIds: orgIds.length > 0 ? orgIds : undefined,
    checkSeconds,
    queuedAtMost: QUEUED_AT_MOST,
    limit: CLAIM_LIMIT,
  });
  const toRaise: DueBatch[] = [];
  const toAsk: DueBatch[] = [];
  for (const batch of claimed) {
    const step = nextStep(batch);
    if (step === 'raise') toRaise.push(batch);
    else if (step === 'ask_queue') toAsk.push(batch);
    else if (step !== 'leave') await sweep(options, batch, step);
  }
  toRaise.push(...(await listLost(options, toAsk)));
  await addJobs(options, await raiseGenerations(options.knex, toRaise));
}

/** A batch that cannot be swept now is claimed again at its next check; it must not hold up the others. */
async function sweep(
  options: RelayOptions,
  batch: DueBatch,
  step: 'end_timeout' | 'end_failed' | 'split' | 'complete',
): Promise<void> {
  try {
    options.logger.info({ batchId: batch.id, requestId: batch.requestId, step }, 'relay sweeps a batch');
    if (step === 'complete') await completeEmpty(options.knex, batch);
    else if (step === 'split') await splitBatch(options.knex, batch);
    else
      await endBatch(options.knex, batch, {
        ...endingOf(options, step),
        unlessTaken: step === 'end_failed',
        logger: options.logger,
        waterfall: options.waterfall,
        scopeOf: scopeOf(options),
      });
  } catch (error) {
    options.logger.error(
      { err: error, batchId: batch.id, requestId: batch.requestId, step },
      'a batch could not be swept; the next check tries again',
    );
  }
}

function endingOf(
  options: RelayOptions,
  step: 'end_timeout' | 'end_failed',
): { status: 'timeout' | 'failed'; error: string } {
  return step === 'end_timeout'
    ? {
        status: 'timeout',
        error: `Not answered within ${options.config.enrichmentDeadlineHours} hours of acceptance. It was refunded; ask again.`,
      }
    : {
        status: 'failed',
        error:
          'Processing broke off three times for this lead. It was refunded; ask again, or report it if it repeats.',
      };
}

function scopeOf(options: RelayOptions): (orgId: string) => string {
  return (orgId) => (options.config.shareResults === 'on' ? SHARED_SCOPE : orgId);
}

/** Pending rows never come back to a batch, so that none pending is for good. */
async function completeEmpty(knex: Knex, batch: DueBatch): Promise<void> {
  await execute(
    knex,
    `UPDATE batches SET completed_at = clock_timestamp(), queued_at = NULL, lease_until = NULL
      WHERE id = :id AND completed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM enrichments WHERE org_id = :orgId AND batch_id = :id AND status = 'pending')`,
    { orgId: batch.orgId, id: batch.id },
  );
}

/** Those of the queued batches that BullMQ has lost, or holds as a ghost. Where it cannot be asked, none. */
async function listLost(options: RelayOptions, batches: readonly DueBatch[]): Promise<DueBatch[]> {
  const lost: DueBatch[] = [];
  for (let start = 0; start < batches.length; start += STATE_CONCURRENCY) {
    const group = batches.slice(start, start + STATE_CONCURRENCY);
    try {
      const states = await Promise.all(
        group.map((batch) => options.queues.getState(batch.field, batchJobId(batch.id, batch.generation))),
      );
      lost.push(...group.filter((batch, index) => stepForJob(batch, states[index] ?? 'unknown') === 'raise'));
    } catch (error) {
      options.logger.warn(
        { err: error, batches: batches.length - start },
        'the queue cannot be asked; batches stay as they are',
      );
      return lost;
    }
  }
  return lost;
}

/** Raised, then added: a job that is not added is unknown at the next check, and gets its next generation. */
async function addJobs(options: RelayOptions, raised: readonly RaisedBatch[]): Promise<void> {
  for (const field of FIELDS) {
    const jobs = raised
      .filter((batch) => batch.field === field)
      .map((batch) => ({ batchId: batch.id, generation: batch.generation, priority: batch.turn }));
    try {
      await options.queues.add(field, jobs);
    } catch (error) {
      options.logger.warn(
        { err: error, field, batches: jobs.length },
        'jobs could not be queued; the next check tries again',
      );
    }
  }
}
