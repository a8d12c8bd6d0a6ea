/**
 * Runs once before all tests: one PostgreSQL for the run, one Redis where redis-server is on the PATH, and one directory
 * that holds whatever the tests leave in temporary ones. Runs at once, in whatever checkouts, share nothing.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { guardDirectory } from './guard';
import { startPostgres, type TestServer } from './postgres';
import { hasRedis, startRedis } from './redis';

async function startServers(): Promise<void> {
  const servers: Pick<TestServer, 'stop'>[] = [openTemporaryDirectory()];
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

/** Where `tmpdir()` points during the run. */
function openTemporaryDirectory(): Pick<TestServer, 'stop'> {
  const before = process.env['TMPDIR'];
  const directory = mkdtempSync(path.join(tmpdir(), 'leadwell-tests-'));
  // PostgreSQL may run as another user.
  chmodSync(directory, 0o755);
  process.env['TMPDIR'] = directory;
  const disarm = guardDirectory(directory);
  const stop = (): Promise<void> => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(directory, { recursive: true, force: true });
    disarm();
    return Promise.resolve();
  };
  return { stop };
}

// jest calls the default export.
module.exports = startServers;
