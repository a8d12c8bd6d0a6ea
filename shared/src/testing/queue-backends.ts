export interface QueueBackend {
  name: 'postgres' | 'redis';
  /** What REDIS_URL would be; undefined: the queue is in the test's database. */
  redisUrl: string | undefined;
}

/**
 * The queue backends that can be tested here, for `describe.each`: always PostgreSQL, and Redis where redis-server is
 * on the PATH (`.ci/run` installs it, so that CI tests both). The Redis is shared by the run: use a prefix of your own.
 */
export function queueBackends(): QueueBackend[] {
  const redisUrl = process.env['TEST_REDIS_URL'];
  const postgres: QueueBackend = { name: 'postgres', redisUrl: undefined };
  return redisUrl ? [postgres, { name: 'redis', redisUrl }] : [postgres];
}
