/** The servers of one run: a PostgreSQL that flushes as a production one does, and a Redis where there is one. */
import type { TearDown } from '@leadwell/cli/local/tear-down';
import { startPostgres } from '@leadwell/shared/testing/postgres';
import { hasRedis, startRedis } from '@leadwell/shared/testing/redis';

export interface Servers {
  redisUrl: string | undefined;
}

/** Every commit waits for the disk, for us, for the floors and for the peer; the memory is that of a small server. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: 300,
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  maintenance_work_mem: '256MB',
  autovacuum_naptime: '1min',
};

/** Starts them on loopback, with their data in a temporary directory. Neither outlives this process, however it dies. */
export async function startServers(tearDown: TearDown, say: (text: string) => void): Promise<Servers> {
  say('starting PostgreSQL');
  const postgres = await startPostgres(SETTINGS);
  tearDown.add('PostgreSQL', () => postgres.stop());
  // Where createTestDatabase makes its databases.
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  if (!hasRedis()) {
    say('redis-server is not on the PATH: what needs Redis is LEFT OUT, the rest runs on PostgreSQL');
    return { redisUrl: undefined };
  }
  const redis = await startRedis();
  tearDown.add('Redis', () => redis.stop());
  return { redisUrl: redis.url };
}
