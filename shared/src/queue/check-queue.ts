import Redis from 'ioredis';
import { FIELDS } from '../domain/enrichment';
import { newId } from '../domain/ids';
import { batchJobId, openBatchQueues, type QueueLocation } from './batch-queues';
import { withDeadline } from './deadline';

const CHECK_DEADLINE_MS = 5_000;
/** Beyond this share of maxmemory, Redis may refuse the next job. */
const FULL_SHARE = 0.9;

/**
 * What is wrong with the queue, a sentence each that says what to do; empty: nothing. Asks each queue for a job that
 * does not exist, and a Redis for its settings. Never throws, never hangs.
 */
export async function listQueueFaults(location: QueueLocation): Promise<string[]> {
  const unanswered = await askQueues(location);
  if (unanswered !== null) return [unanswered];
  return location.redisUrl === undefined ? [] : listRedisFaults(location.redisUrl);
}

/** What to tell and to do where the queue does not answer. */
export function unansweredQueue(location: QueueLocation): string {
  return location.redisUrl === undefined
    ? 'The queue in PostgreSQL does not answer: run `npm run migrate`, which makes its tables too.'
    : 'Redis does not answer: check that it runs and that REDIS_URL is right. Accepted work waits in PostgreSQL and goes on by itself.';
}

async function askQueues(location: QueueLocation): Promise<string | null> {
  const queues = openBatchQueues(location, () => undefined);
  try {
    await Promise.all(FIELDS.map((field) => queues.getState(field, batchJobId(newId(), 1))));
    return null;
  } catch {
    return unansweredQueue(location);
  } finally {
    await queues.close();
  }
}

async function listRedisFaults(url: string): Promise<string[]> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 2_000, commandTimeout: 3_000 });
  redis.on('error', () => undefined);
  try {
    const info = await withDeadline(redis.info(), CHECK_DEADLINE_MS, 'asking Redis about itself');
    return readInfo(info);
  } catch {
    // It may forbid INFO; the queue itself has answered.
    return [];
  } finally {
    redis.disconnect();
  }
}

function readInfo(info: string): string[] {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const faults: string[] = [];
  const policy = field('maxmemory_policy');
  if (policy !== '' && policy !== 'noeviction') {
    faults.push(
      `Redis may throw away jobs (maxmemory-policy ${policy}): set it to noeviction. Lost jobs cost time only, each time.`,
    );
  }
  const [used, most] = [Number(field('used_memory')), Number(field('maxmemory'))];
  if (most > 0 && used > most * FULL_SHARE) {
    faults.push(
      `Redis has used ${inMegabytes(used)} of its ${inMegabytes(most)}: raise maxmemory. A full one takes no job; accepted work waits in PostgreSQL and goes on by itself.`,
    );
  }
  const [major = 0, minor = 0] = field('redis_version').split('.').map(Number);
  if (major > 0 && (major < 6 || (major === 6 && minor < 2)))
    faults.push(`Redis ${field('redis_version')} is too old: 6.2 or later is needed.`);
  if (field('role') === 'slave') faults.push('REDIS_URL names a replica: name the primary.');
  return faults;
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
