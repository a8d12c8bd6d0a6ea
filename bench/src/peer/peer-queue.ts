/** The peer's queue, on either backend, as BullMQ's documentation opens one. */
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import Redis from 'ioredis';
import type { Person } from '../clients/provider-client';

/** All that the job needs: nothing is read from the database. */
export interface PeerJob {
  provider: 'hunter' | 'prospeo';
  person: Person;
}

export interface PeerQueueLocation {
  /** Undefined: the queue is in PostgreSQL. */
  redisUrl: string | undefined;
  databaseUrl: string;
  prefix: string;
}

const NAME = 'enrich';
/** Connections of the queue in PostgreSQL: more did not make it faster. */
const QUEUE_CONNECTIONS = 10;

export interface PeerQueue {
  queue: Queue<PeerJob>;
  close(): Promise<void>;
}

/** Finished jobs are removed: keeping them only costs. */
export function openPeerQueue({ redisUrl, databaseUrl, prefix }: PeerQueueLocation): PeerQueue {
  const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
  if (redisUrl === undefined) {
    const connection = { connectionString: databaseUrl, max: QUEUE_CONNECTIONS };
    const queue = new Queue(NAME, { connection, defaultJobOptions }, createPostgresBackend);
    return { queue: queue as unknown as Queue<PeerJob>, close: () => queue.close() };
  }
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue<PeerJob>(NAME, { connection, prefix, defaultJobOptions });
  return {
    queue,
    async close() {
      await queue.close();
      connection.disconnect();
    },
  };
}

/** Takes jobs of the queue. */
export function startPeerConsumer(
  { redisUrl, databaseUrl, prefix }: PeerQueueLocation,
  work: (job: PeerJob) => Promise<void>,
  concurrency: number,
): Worker<PeerJob> {
  const run = (job: { data: PeerJob }): Promise<void> => work(job.data);
  if (redisUrl === undefined) {
    const connection = { connectionString: databaseUrl, max: QUEUE_CONNECTIONS };
    const worker = new Worker(NAME, run, { connection, concurrency }, createPostgresBackend);
    return worker as unknown as Worker<PeerJob>;
  }
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  return new Worker<PeerJob>(NAME, run, { connection, prefix, concurrency });
}
