/**
 * BullMQ behind the few words the relay needs, on either backend. A job carries its batch's id and nothing else:
 * no e-mail, phone, name or key. Losing every job costs time only, because the relay makes them again from the facts.
 */
import { Queue, createPostgresBackend, type JobState } from 'bullmq';
import Redis from 'ioredis';
import type { Config } from '../config/config';
import { FIELDS, type Field } from '../domain/enrichment';
import { isUuid } from '../domain/ids';
import { withDeadline } from './deadline';

/** Every queue call is given up after this: `add` against a Redis that was never reachable would hang for ever. */
const CALL_DEADLINE_MS = 3_000;

/**
 * How BullMQ speaks to PostgreSQL. A statement without an answer for so long fails, and its connection is given up. No commit
 * waits for the disk: a crash of the server may take the queue's last moments, as Redis may lose everything, and the relay makes
 * those jobs again. Flushed, each lead would wait twice more.
 */
export const POSTGRES_SESSION = {
  options: '-c synchronous_commit=off',
  connectionTimeoutMillis: 5_000,
  query_timeout: 10_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
};

export interface BatchJob {
  batchId: string;
  generation: number;
  /** 1 is served first. An organisation's first batch comes before any organisation's second. */
  priority: number;
}

/** What BullMQ says of a job: `unknown` also for one that ended, since ended jobs are removed. */
export type BatchJobState = JobState | 'unknown';

export interface BatchQueues {
  /** Adds all jobs in one round trip. A job that is already there is left alone. Throws if the queue cannot be asked. */
  add(field: Field, jobs: readonly BatchJob[]): Promise<void>;
  /** Throws if the queue cannot be asked. */
  getState(field: Field, jobId: string): Promise<BatchJobState>;
  /** The BullMQ queues themselves, for bull-board. */
  readonly queues: readonly Queue[];
  /** Never hangs and never throws. */
  close(): Promise<void>;
}

/** The connection settings of one deployment's queue. */
export interface QueueLocation {
  /** Undefined: the queue is in PostgreSQL, at `databaseUrl`. */
  redisUrl: string | undefined;
  databaseUrl: string;
  prefix: string;
}

export function queueLocation(config: Config, databaseUrl: string): QueueLocation {
  return { redisUrl: config.redisUrl, databaseUrl, prefix: config.queuePrefix };
}

/** The name of the BullMQ queue of a field. */
export function queueName(field: Field): string {
  return `enrich-${field}`;
}

/** The id of the job of one generation of a batch. A new generation is a new job, whatever became of the old one. */
export function batchJobId(batchId: string, generation: number): string {
  return `b-${batchId}-g${generation}`;
}

/** The batch that a job's id names; undefined for any other text. */
export function findBatchIdOfJob(jobId: string): string | undefined {
  const [, batchId] = /^b-([0-9a-f-]{36})-g\d+$/i.exec(jobId) ?? [];
  return batchId !== undefined && isUuid(batchId) ? batchId.toLowerCase() : undefined;
}

/** Opens the producing side of both queues. Connects lazily; an unreachable queue shows at the first call. */
export function openBatchQueues(location: QueueLocation, onError: (error: Error) => void): BatchQueues {
  const redis = location.redisUrl === undefined ? undefined : connectProducer(location.redisUrl, onError);
  const queues = new Map(FIELDS.map((field) => [field, openQueue(field, location, redis, onError)]));
  const queueOf = (field: Field): Queue => queues.get(field) as Queue;
  return {
    queues: [...queues.values()],
    async add(field, jobs) {
      await withDeadline(addJobs(queueOf(field), jobs), CALL_DEADLINE_MS, 'adding jobs to the queue');
    },
    getState(field, jobId) {
      return withDeadline(queueOf(field).getJobState(jobId), CALL_DEADLINE_MS, 'asking the queue for a job');
    },
    async close() {
      const closing = [...queues.values()].map((queue) =>
        withDeadline(queue.close(), CALL_DEADLINE_MS, 'closing a queue'),
      );
      await Promise.allSettled(closing);
      redis?.disconnect();
    },
  };
}

/** On PostgreSQL BullMQ makes two temporary tables for several jobs, which take ten milliseconds: a job that comes alone goes without. */
async function addJobs(queue: Queue, jobs: readonly BatchJob[]): Promise<void> {
  const [first, ...others] = jobs.map(toBullJob);
  if (!first) return;
  if (others.length === 0) await queue.add(first.name, first.data, first.opts);
  else await queue.addBulk([first, ...others]);
}

function toBullJob(job: BatchJob) {
  return {
    name: 'batch',
    data: { batchId: job.batchId },
    opts: {
      jobId: batchJobId(job.batchId, job.generation),
      priority: job.priority,
      attempts: 1,
      removeOnComplete: true,
      removeOnFail: true,
    },
  };
}

function openQueue(
  field: Field,
  location: QueueLocation,
  redis: Redis | undefined,
  onError: (error: Error) => void,
): Queue {
  const queue = redis
    ? new Queue(queueName(field), { connection: redis, prefix: location.prefix })
    : (new Queue(
        queueName(field),
        { connection: { connectionString: location.databaseUrl, max: 2, ...POSTGRES_SESSION } },
        createPostgresBackend,
      ) as unknown as Queue);
  queue.on('error', onError);
  return queue;
}

/** Fails at once while Redis is away instead of queueing commands in memory: PostgreSQL holds the backlog. */
function connectProducer(url: string, onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: true,
    maxRetriesPerRequest: 1,
    connectTimeout: 2_000,
    commandTimeout: CALL_DEADLINE_MS,
    // A late command alone leaves the connection as it is: one that fell silent would stay so, and every later command fail.
    socketTimeout: CALL_DEADLINE_MS,
    retryStrategy: (times) => Math.min(times * 100, 1_000),
  });
  redis.on('error', onError);
  return redis;
}
