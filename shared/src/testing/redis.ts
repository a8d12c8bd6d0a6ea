import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findFreePort } from '../runtime/postgres-server';
import { guardServer } from './guard';
import type { TestServer } from './postgres';
import { waitUntil } from './wait-until';

/** Whether a real Redis can be started here. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Starts a real Redis without persistence: a kill or restart loses everything, as a failover may. */
export async function startRedis(): Promise<TestServer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'leadwell-test-redis-'));
  const port = await findFreePort();
  let server = await launchRedis(directory, port);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    // Where nothing else is left to do, the process would end here, and the rest of its tear-down with it.
    server.ref();
    server.kill(signal);
    await gone;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL');
      server = await launchRedis(directory, port);
    },
    stop: async () => {
      await end('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launchRedis(directory: string, port: number): Promise<ChildProcess> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', [...options, '--dir', directory, '--maxmemory-policy', 'noeviction'], {
    stdio: 'ignore',
    detached: true,
  });
  server.unref();
  if (server.pid === undefined) throw new Error('redis-server is not on the PATH.');
  server.once('exit', guardServer(server.pid, directory));
  await waitUntil(() => accepts(port), { timeoutMs: 10_000, message: `Redis does not listen on ${port}` });
  return server;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
}
