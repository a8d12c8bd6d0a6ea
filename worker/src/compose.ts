/** The composition root of a worker: everything that one process needs to relay and to work batches. */
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { askableWaterfall } from '@leadwell/providers/askable';
import type { Waterfall } from '@leadwell/providers/provider';
import type { Config } from '@leadwell/shared/config/config';
import type { Knex } from '@leadwell/shared/db/database';
import { FIELDS } from '@leadwell/shared/domain/enrichment';
import { openBatchQueues, queueLocation } from '@leadwell/shared/queue/batch-queues';
import { startBatchConsumer, type BatchConsumer } from '@leadwell/shared/queue/batch-consumer';
import { deleteOldIdempotencyKeys } from '@leadwell/shared/repositories/idempotency-keys';
import { makeMonths } from '@leadwell/shared/repositories/months';
import { createRelay } from '@leadwell/shared/relay/relay';
import type { Closer } from '@leadwell/shared/runtime/shutdown';
import { createCaller } from './calls/call-provider';
import { createBreakers } from './limits/breaker';
import { createLimiter } from './limits/limiter';
import { startAuditLoop } from './relay/audit-loop';
import { Heartbeat } from './heartbeat';
import { startRelayLoop } from './relay/relay-loop';
import { Desk } from './work/desk';
import { createLeaseKeeper, type LeaseKeeper } from './work/lease-keeper';
import { BatchWorker } from './work/work-batch';

export interface WorkerOptions {
  config: Config;
  /** Where the queue is, if it is not in Redis. */
  databaseUrl: string;
  knex: Knex;
  waterfall: Waterfall;
  logger: Logger;
}

/** How long a stop waits for calls under way before it goes on without them. */
const CONSUMERS_CLOSE_MS = 20_000;

/**
 * Starts a worker and gives what ends it, in order. Rejects where PostgreSQL or the queue cannot be reached: a consumer
 * that starts without them stays silent for ever, so the process must exit and be started again.
 */
export async function startWorker(options: WorkerOptions): Promise<Closer[]> {
  const { config, knex, logger } = options;
  const location = queueLocation(config, options.databaseUrl);
  const onQueueError = (error: Error): void => logger.warn({ err: error }, 'queue connection');
  const onFailed = (batchId: string | null, error: Error): void =>
    logger.error({ err: error, batchId }, 'a batch could not be worked; the relay brings it back');
  const queues = openBatchQueues(location, onQueueError);
  const waterfall = askableWaterfall(options.waterfall);
  const relay = createRelay({ knex, queues, waterfall, config, logger });
  const calls = openCalls(options);
  const worker = new BatchWorker({
    knex,
    logger,
    relay,
    waterfall,
    desk: calls.desk,
    keeper: calls.keeper,
    shareResults: config.shareResults === 'on',
    leaseSeconds: config.leaseSeconds,
    workerName: `${hostname()}:${process.pid}`,
  });
  const heartbeat = new Heartbeat(config.workerHeartbeatFile, config.workerConcurrency, logger);
  const consumers: BatchConsumer[] = [];
  for (const field of FIELDS) {
    const work = (batchId: string): Promise<void> => heartbeat.count(field, () => worker.work(batchId));
    const concurrency = config.workerConcurrency;
    const onError = onQueueError;
    consumers.push(await startBatchConsumer({ location, field, concurrency, work, onFailed, onError }));
  }
  const tidy = async (): Promise<void> => {
    await deleteOldIdempotencyKeys(knex);
    for (const month of await makeMonths(knex)) logger.info({ month }, 'a month was made');
  };
  const audits = startAuditLoop({ knex, everyMs: config.auditEveryMinutes * 60_000, logger });
  const loop = startRelayLoop({
    relay,
    tidy,
    checkSeconds: config.checkSeconds,
    logger,
    onTurn: () => heartbeat.beat(),
  });
  return [
    { name: 'audit', close: () => audits.stop() },
    { name: 'relay loop', close: () => loop.stop() },
    { name: 'batches at work', close: () => closeBatches(calls, worker, consumers) },
    { name: 'provider calls', close: () => calls.close() },
    { name: 'queue', close: () => queues.close() },
  ];
}

interface Calls {
  desk: Desk;
  keeper: LeaseKeeper;
  /** No new call from here on. */
  stop(): void;
  /** Ends the calls under way, and everything below them. */
  close(): Promise<void>;
}

/** What asks providers: limits, connections, and the desk over them. */
function openCalls({ config, knex, logger, waterfall }: WorkerOptions): Calls {
  const stop = new AbortController();
  const hard = new AbortController();
  // Every call under way listens to both: many listeners are no leak here.
  setMaxListeners(0, stop.signal, hard.signal);
  const keeper = createLeaseKeeper({ knex, leaseSeconds: config.leaseSeconds, logger });
  const breakers = createBreakers({ knex, logger });
  const limiter = createLimiter({ knex, logger, breakers, leaseSeconds: config.leaseSeconds });
  const caller = createCaller({ breakers, logger });
  const desk = new Desk({
    knex,
    logger,
    limiter,
    caller,
    keeper,
    waterfall,
    leaseSeconds: config.leaseSeconds,
    timeoutMs: config.enrichmentTimeoutSeconds * 1000,
    resultSeconds: config.resultDays * 86_400,
    // Others need connections meanwhile, however few there are.
    accountsAwaitedAtMost: Math.min(2, config.databasePoolSize - 1),
    stopSignal: stop.signal,
    hardSignal: hard.signal,
  });
  return {
    desk,
    keeper,
    stop: () => stop.abort(),
    async close() {
      hard.abort();
      keeper.close();
      await limiter.close();
      await caller.close();
    },
  };
}

/** Takes nothing new, lets the calls under way be answered, and gives back what is open. */
async function closeBatches(
  calls: Calls,
  worker: BatchWorker,
  consumers: readonly BatchConsumer[],
): Promise<void> {
  calls.stop();
  const closing = consumers.map((consumer) => consumer.close(CONSUMERS_CLOSE_MS));
  await worker.stop();
  await Promise.all(closing);
}
