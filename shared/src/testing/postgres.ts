import { chownSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  findFreePort,
  initialisePostgres,
  launchPostgres,
  signalProcess,
  stopPostgres,
} from '../runtime/postgres-server';
import { createPrivateDirectory, postgresUser } from '../runtime/postgres-user';
import { guardServer } from './guard';

/** A server of a test's own, on loopback. Whatever happens to this process, it does not outlive it. */
export interface TestServer {
  /** Of the server; for PostgreSQL its database `postgres`. Stays the same over restarts. */
  url: string;
  port: number;
  /** Ends it in order and removes its data. */
  stop(): Promise<void>;
  /** Ends it at once, as kill -9 does. Its data stays for `restart()`. */
  kill(): Promise<void>;
  /** Starts it again on the same port, ending it first if it runs. */
  restart(): Promise<void>;
}

/**
 * Speed over durability: nothing here survives a power cut, everything survives a kill of the server. With `synchronous_commit`
 * off it would not: what is committed waits in the server's own memory for up to 0.6 s.
 */
const TEST_SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: 400,
  shared_buffers: '64MB',
  autovacuum_naptime: '10s',
};

const PASSWORD = 'test';

/** Starts a real, empty PostgreSQL server with its data in a temporary directory. Takes about a second. */
export async function startPostgres(settings: Record<string, string | number> = {}): Promise<TestServer> {
  const user = postgresUser();
  const directory = createPrivateDirectory('leadwell-test-pg-', user);
  const data = path.join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (user) chownSync(data, user.uid, user.gid);
  await initialisePostgres(data, PASSWORD, 'throwaway');
  const launch = (port: number): Promise<number> =>
    launchPostgres(data, port, { ...TEST_SETTINGS, ...settings });
  const { port, pid } = await launchOnFreePort(launch);
  let current = { pid, disarm: guardServer(pid, directory) };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    signalProcess(current.pid, signal);
    await stopPostgres(data, current.pid, 'immediate');
    current.disarm();
  };
  return {
    url: `postgres://leadwell:${PASSWORD}@127.0.0.1:${port}/postgres`,
    port,
    // The children of a killed postmaster notice by themselves; a restart waits for them (shared memory).
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGQUIT');
      const restarted = await launch(port);
      current = { pid: restarted, disarm: guardServer(restarted, directory) };
    },
    stop: async () => {
      await end('SIGQUIT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launchOnFreePort(
  launch: (port: number) => Promise<number>,
): Promise<{ port: number; pid: number }> {
  for (let tries = 1; ; tries++) {
    const port = await findFreePort();
    try {
      return { port, pid: await launch(port) };
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}
