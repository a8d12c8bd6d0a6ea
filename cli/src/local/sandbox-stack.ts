/** The sandbox, the API and a worker on loopback: what `demo` and `start` run. */
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LocalProcess, startProcess } from './child-process';

const START_TIMEOUT_MS = 30_000;

export interface StackOptions {
  databaseUrl: string;
  port: number;
  sandboxPort: number;
  /** False where PROVIDERS_FILE names real providers. */
  withSandbox: boolean;
  /** Settings for all of the processes, over those of this process. */
  settings: Readonly<Record<string, string>>;
  /** Where each process writes `<name>.log`. Undefined: nowhere. */
  logDirectory: string | undefined;
}

export interface Stack {
  /** Of the API. */
  url: string;
  /** What all of the processes were given; commands of the CLI want the same. */
  env: Readonly<Record<string, string>>;
  /** Rejects, naming the process and its last lines, when one ends that nobody stopped. Never resolves. */
  failure: Promise<never>;
  /** The last lines that each process wrote, for a person who must find out why nothing moves. */
  describe(): string;
  /** Ends the processes: first what takes and does work, then the providers. Names those that had to be killed. */
  stop(timeoutMs: number): Promise<string[]>;
}

/** Starts the processes on a migrated database and waits until each is ready. Throws, all of them ended, if one fails. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const env = stackEnvironment(options);
  const processes: LocalProcess[] = [];
  let stopping = false;
  let fail: (error: Error) => void;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  failure.catch(() => undefined);
  const start = (name: string, script: string): void => {
    const logFile = options.logDirectory && path.join(options.logDirectory, `${name}.log`);
    const started = startProcess({ name, script, env, logFile });
    processes.push(started);
    void started.ended.then(() => stopping || fail(new Error(started.describeEnd())));
  };
  const stop = async (timeoutMs: number): Promise<string[]> => {
    stopping = true;
    const last = processes.filter(({ name }) => name === 'sandbox');
    const first = processes.filter(({ name }) => name !== 'sandbox');
    return [...(await stopAll(first, timeoutMs)), ...(await stopAll(last, 2_000))];
  };
  try {
    if (options.withSandbox) start('sandbox', 'sandbox/dist/main.js');
    start('api', 'api/dist/main.js');
    start('worker', 'worker/dist/main.js');
    const url = `http://127.0.0.1:${options.port}`;
    const ready = [waitForHttp(`${url}/health/ready`)];
    if (options.withSandbox) ready.push(waitForPort(options.sandboxPort));
    await Promise.race([failure, Promise.all(ready)]);
    const describe = (): string => processes.map((local) => local.describeEnd()).join('\n\n');
    return { url, env, failure, describe, stop };
  } catch (error) {
    await stop(2_000);
    throw error;
  }
}

function stackEnvironment(options: StackOptions): Record<string, string> {
  return {
    ...options.settings,
    DATABASE_URL: options.databaseUrl,
    HOST: '127.0.0.1',
    PORT: String(options.port),
    SANDBOX_PORT: String(options.sandboxPort),
    ...(options.withSandbox && { ALLOW_SANDBOX: 'true' }),
  };
}

async function stopAll(processes: readonly LocalProcess[], timeoutMs: number): Promise<string[]> {
  const results = await Promise.all(
    processes.map(async (local) => ((await local.stop(timeoutMs)) ? [] : [local.name])),
  );
  return results.flat();
}

async function waitForHttp(url: string): Promise<void> {
  await waitFor(url, async () => (await fetch(url)).ok);
}

async function waitForPort(port: number): Promise<void> {
  await waitFor(`port ${port}`, () => canConnect(port));
}

async function waitFor(what: string, condition: () => Promise<boolean>): Promise<void> {
  const startedAt = Date.now();
  while (!(await condition().catch(() => false))) {
    if (Date.now() - startedAt > START_TIMEOUT_MS) throw new Error(`${what} did not answer within 30 s.`);
    await delay(50);
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
}

/** The wanted port of loopback if nobody listens on it, else any free one. */
export async function portOrFree(wanted: number): Promise<number> {
  return wanted !== 0 && (await isFree(wanted)) ? wanted : findFreePort();
}

/** Whether a port of loopback can be listened on. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
