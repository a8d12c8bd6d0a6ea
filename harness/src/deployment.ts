/** A deployment of real processes: API and workers as `npm run api` and `npm run worker` start them, over a sandbox. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Field } from '@leadwell/shared/domain/enrichment';
import { newId } from '@leadwell/shared/domain/ids';
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { guardProcess } from '@leadwell/shared/testing/guard';
import type { QueueBackend } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { createSandbox, type Sandbox, type SandboxOptions } from '@leadwell/sandbox/sandbox';

const ROOT = path.join(__dirname, '..', '..');
/** Longer than any process takes of itself on SIGTERM: who is killed has missed its own bound. */
const STOP_MS = 45_000;
const READY_MS = 80_000;

export interface Process {
  readonly child: ChildProcess;
  /** What it has written, both streams. */
  readonly output: () => string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export interface Deployment {
  readonly database: TestDatabase;
  readonly sandbox: Sandbox;
  readonly apiUrl: string;
  readonly environment: NodeJS.ProcessEnv;
  startWorker(environment?: NodeJS.ProcessEnv): Promise<Process>;
  startApi(environment?: NodeJS.ProcessEnv): Promise<Process>;
  /** Ends every process, the sandbox and the database. */
  stop(): Promise<void>;
}

export interface DeploymentOptions {
  backend: QueueBackend;
  sandbox?: SandboxOptions;
  /** A migrated database of the caller's own server, which it may kill. Dropped at the end. Defaults to one on the test run's server. */
  database?: TestDatabase;
  environment?: NodeJS.ProcessEnv;
  /** False: the caller starts every API itself, each on a PORT of its own. Defaults to true. */
  startsApi?: boolean;
  /** The waterfall, where it is not the sandbox's own. Every provider named in it is asked at the sandbox. */
  waterfall?: Record<Field, string[]>;
  /** What else PROVIDERS_FILE says of a provider of `waterfall`: another `baseUrl`, `maxWaitSeconds`, … */
  providers?: Readonly<Record<string, object>>;
}

/** Starts the sandbox and one API; workers are started by the caller. */
export async function deploy(options: DeploymentOptions): Promise<Deployment> {
  const database = options.database ?? (await createTestDatabase());
  const pace = options.sandbox?.pace ?? 50;
  const sandbox = createSandbox({ ...options.sandbox, pace });
  const sandboxPort = await sandbox.listen(0);
  const port = await findFreePort();
  const processes: Process[] = [];
  const providersFile =
    options.waterfall && writeProvidersFile(options.waterfall, sandboxPort, options.providers);
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    DATABASE_URL: database.url,
    ...(options.backend.redisUrl && { REDIS_URL: options.backend.redisUrl }),
    QUEUE_PREFIX: `t${newId().slice(-10)}`,
    PORT: String(port),
    SANDBOX_PORT: String(sandboxPort),
    SANDBOX_PACE: String(pace),
    ALLOW_SANDBOX: 'true',
    ...(providersFile && { PROVIDERS_FILE: providersFile, PROVIDER_KEY: 'sandbox-key' }),
    ...options.environment,
  };
  const start = async (workspace: string, ready: RegExp, extra: NodeJS.ProcessEnv = {}): Promise<Process> => {
    const started = await startProcess(workspace, ready, { ...environment, ...extra });
    processes.push(started);
    return started;
  };
  const startApi = (extra?: NodeJS.ProcessEnv): Promise<Process> => start('api', /api ready/, extra);
  if (options.startsApi ?? true) await startApi();
  return {
    database,
    sandbox,
    environment,
    apiUrl: `http://127.0.0.1:${port}`,
    startApi,
    startWorker: (extra) => start('worker', /worker ready/, extra),
    async stop() {
      await Promise.all(processes.map((started) => started.kill()));
      await sandbox.close();
      await database.drop();
      if (providersFile) rmSync(path.dirname(providersFile), { recursive: true });
    },
  };
}

/** Writes a PROVIDERS_FILE over the sandbox into a directory of its own, and gives its path. */
function writeProvidersFile(
  waterfall: Record<Field, string[]>,
  sandboxPort: number,
  settings: Readonly<Record<string, object>> = {},
): string {
  const accountOf = (name: string) => ({
    baseUrl: `http://127.0.0.1:${sandboxPort}/${name}`,
    keyEnv: 'PROVIDER_KEY',
    ...settings[name],
  });
  const names = Object.values(waterfall).flat();
  const providers = Object.fromEntries(names.map((name) => [name, accountOf(name)]));
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'providers-')), 'providers.json');
  writeFileSync(file, JSON.stringify({ providers, waterfall }));
  return file;
}

async function startProcess(
  workspace: string,
  ready: RegExp,
  environment: NodeJS.ProcessEnv,
): Promise<Process> {
  const main = path.join(ROOT, workspace, 'dist', 'main.js');
  const child = spawn(process.execPath, ['--enable-source-maps', main], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardProcess(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  // What is not ready in time is ended: nobody else knows of it, and it would keep its port.
  await waitUntil(() => ready.test(output) || isGone(), {
    timeoutMs: READY_MS,
    message: `${workspace} to be ready`,
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  if (isGone()) throw new Error(`${workspace} ended at its start:\n${output}`);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!isGone()) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    if (!isGone()) await ended;
    clearTimeout(timer);
    return child.exitCode;
  };
  return {
    child,
    output: () => output,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };
}
