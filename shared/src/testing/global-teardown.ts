/** Runs once after all tests, failed or not. A run that is killed leaves nothing either: see guard.ts. */
import type { TestServer } from './postgres';

async function stopServers(): Promise<void> {
  const servers = (globalThis as Record<symbol, TestServer[] | undefined>)[
    Symbol.for('leadwell.testServers')
  ];
  await Promise.all((servers ?? []).map((server) => server.stop()));
}

// jest calls the default export.
module.exports = stopServers;
