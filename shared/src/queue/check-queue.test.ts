import Redis from 'ioredis';
import type { TestServer } from '../testing/postgres';
import { hasRedis, startRedis } from '../testing/redis';
import { listQueueFaults } from './check-queue';

(hasRedis() ? describe : describe.skip)('what is wrong with a Redis', () => {
  let server: TestServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  const faults = () => listQueueFaults({ redisUrl: server.url, databaseUrl: '', prefix: 'check' });

  it('is told when it is full, or may throw jobs away, and not otherwise', async () => {
    expect(await faults()).toEqual([]);
    await redis.config('SET', 'maxmemory', '100kb');
    expect(await faults()).toEqual([
      expect.stringMatching(/^Redis has used [\d.]+ MB of its 0\.1 MB: raise maxmemory/),
    ]);
    await redis.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'allkeys-lru');
    expect(await faults()).toEqual([expect.stringMatching(/may throw away jobs .*: set it to noeviction/)]);
  });
});
