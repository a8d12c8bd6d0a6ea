import { Worker, createPostgresBackend, type Job } from 'bullmq';
import Redis from 'ioredis';
import type { Field } from '../domain/enrichment';
import { POSTGRES_SESSION, queueName, type QueueLocation } from './batch-queues';
import { unansweredQueue } from './check-queue';
import { withDeadline } from './deadline';

const READY_DEADLINE_MS = 15_000;

export interface BatchConsumerOptions {
  location: QueueLocation;
  field: Field;
  /** Batches worked at a time. */
  concurrency: number;
  /** Works one batch. What it throws goes to `onFailed`; the relay brings the batch back. */
  work: (batchId: string) => Promise<void>;
  /** `batchId` is null where the job itself is lost. */
  onFailed: (batchId: string | null, error: Error) => void;
  /** The queue cannot be reached, or refuses something. */
  onError: (error: Error) => void;
}

export interface BatchConsumer {
  /** Takes no new job and waits for those at work, at most `timeoutMs`. Never throws. True: all ended. */
  close(timeoutMs: number): Promise<boolean>;
}

/**
 * Takes jobs of one queue. Resolves when the consumer is connected; rejects where the queue cannot be reached: a
 * consumer on PostgreSQL that starts without its database stays silent for ever, so the process must exit instead.
 */
export async function startBatchConsumer(options: BatchConsumerOptions): Promise<BatchConsumer> {
  const redis =
    options.location.redisUrl === undefined
      ? undefined
      : connectConsumer(options.location.redisUrl, options.onError);
  const worker = openWorker(options, redis);
  worker.on('error', options.onError);
  worker.on('failed', (job: Job<{ batchId: string }> | undefined, error) =>
    options.onFailed(job?.data.batchId ?? null, error),
  );
  try {
    await withDeadline(worker.waitUntilReady(), READY_DEADLINE_MS, 'connecting to the queue');
  } catch (error) {
    throw new Error(`${unansweredQueue(options.location)} Then start this process again.`, { cause: error });
  }
  return {
    async close(timeoutMs) {
      const closed = withDeadline(worker.close(), timeoutMs, 'closing a queue consumer');
      const ended = await closed.then(
        () => true,
        () => false,
      );
      redis?.disconnect();
      return ended;
    },
  };
}

/**
 * A job is only the hint to look at a batch; the lease in PostgreSQL is the right to work it. So the lock's length
 * decides how soon a killed worker's jobs come back (7.5 s instead of 60 by BullMQ's defaults), not who may work.
 */
function openWorker(options: BatchConsumerOptions, redis: Redis | undefined): Worker {
  const work = async (job: Job<{ batchId: string }>): Promise<void> => options.work(job.data.batchId);
  const tuning = {
    concurrency: options.concurrency,
    lockDuration: 8_000,
    stalledInterval: 4_000,
    maxStalledCount: 1,
    // After a command that failed. By its default of 15 s a consumer slept on long after its server was back.
    runRetryDelay: 1_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  };
  const name = queueName(options.field);
  if (redis) return new Worker(name, work, { ...tuning, connection: redis, prefix: options.location.prefix });
  const connection = { connectionString: options.location.databaseUrl, max: 4, ...POSTGRES_SESSION };
  return new Worker(name, work, { ...tuning, connection }, createPostgresBackend) as unknown as Worker;
}

function connectConsumer(url: string, onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    // BullMQ asks for this on connections that block.
    maxRetriesPerRequest: null,
    connectTimeout: 5_000,
    // Longer than BullMQ blocks for a job (10 s at most): a connection that fell silent is given up, and made anew.
    socketTimeout: 12_000,
    retryStrategy: (times) => Math.min(times * 100, 1_000),
  });
  redis.on('error', onError);
  return redis;
}
