/** Everything that the queue of a deployment holds, as text, whichever backend it is on. */
import { query } from '@leadwell/shared/db/database';
import { Redis } from 'ioredis';
import type { Deployment } from './deployment';

export async function readQueue(deployment: Deployment): Promise<string> {
  const { REDIS_URL, QUEUE_PREFIX } = deployment.environment;
  return REDIS_URL === undefined ? readTables(deployment) : readKeys(REDIS_URL, `${QUEUE_PREFIX}*`);
}

async function readTables({ database }: Deployment): Promise<string> {
  const tables = await query<{ name: string }>(
    database.knex,
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq'`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      query<{ text: string }>(database.knex, `SELECT row_to_json(t)::text AS text FROM ${name} AS t`),
    ),
  );
  return rows
    .flat()
    .map((row) => row.text)
    .join('\n');
}

async function readKeys(url: string, pattern: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys(pattern);
    const contents = await Promise.all(keys.map(async (key) => [key, await readKey(redis, key)]));
    return contents.map((entry) => JSON.stringify(entry)).join('\n');
  } finally {
    redis.disconnect();
  }
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    case 'string':
      return redis.get(key);
    default:
      return 'gone meanwhile';
  }
}
