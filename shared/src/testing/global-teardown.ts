/** Runs once after all tests, failed or not. A run that is killed leaves nothing either: see guard.ts. */
import type { TestServer } from './postgres';

async function stopServers(): Promise<void> {
  const servers = (globalThis as Record<symbol, Pick<TestServer, 'stop'>[] | undefined>)[
    Symbol.for('leadwell.testServers')
  ];
  // The directory that theirs are in comes first in the list, and goes last.
  for (const server of (servers ?? []).reverse()) await server.stop();
}

// jest calls the default export.
module.exports = stopServers;
