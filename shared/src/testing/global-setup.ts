/** Runs once before all tests: one PostgreSQL for the run, and one Redis where redis-server is on the PATH. */
import { startPostgres, type TestServer } from './postgres';
import { hasRedis, startRedis } from './redis';

async function startServers(): Promise<void> {
  const servers: TestServer[] = [];
  // For the global teardown, which runs in the same process.
  (globalThis as Record<symbol, unknown>)[Symbol.for('leadwell.testServers')] = servers;
  const postgres = await startPostgres();
  servers.push(postgres);
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  delete process.env['TEST_REDIS_URL'];
  if (hasRedis()) {
    const redis = await startRedis();
    servers.push(redis);
    process.env['TEST_REDIS_URL'] = redis.url;
  } else if (process.env['CI']) {
    throw new Error('CI tests both queue backends: redis-server must be on the PATH.');
  }
}

// jest calls the default export.
module.exports = startServers;
