/** Sandbox, API and workers as processes of their own, as `npm run api` and `npm run worker` start them. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { startProcess, type LocalProcess } from '@leadwell/cli/local/child-process';
import { newId } from '@leadwell/shared/domain/ids';
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import type { Backend } from '../context';
import type { BenchDatabase } from './bench-database';
import { writeProvidersFile, type ProviderTerms } from './providers-file';
import { startSandbox, type SandboxControl } from './sandbox-control';

export interface DeploymentOptions {
  database: BenchDatabase;
  /** Where the queue is. */
  backend: Backend;
  /** Who is asked first. Defaults to one lead a call, without a limit that could be met. */
  provider?: ProviderTerms;
  /** Who is asked for what the first has not got. Defaults to nobody. */
  nextProvider?: ProviderTerms;
  /** How long the sandbox takes to answer. Defaults to 0. */
  latencyMs?: number;
  /** Defaults to one of its own. */
  sandbox?: SandboxControl;
  /** Settings over the defaults of the service. */
  settings?: Readonly<Record<string, string>>;
}

/** Work comes to it by SQL. */
export interface WorkerDeployment {
  sandbox: SandboxControl;
  /** Starts one more worker and waits until it takes work. */
  startWorker(settings?: Readonly<Record<string, string>>): Promise<LocalProcess>;
}

export interface Deployment extends WorkerDeployment {
  apiUrl: string;
  /** The API's process. */
  api: LocalProcess;
}

type OnEnd = (name: string, undo: () => Promise<unknown>) => void;

const START_MS = 60_000;
const STOP_MS = 20_000;

/** Starts the sandbox and one API, and gives back how to start workers. Everything is ended by `onEnd`. */
export async function deploy(options: DeploymentOptions, onEnd: OnEnd): Promise<Deployment> {
  const { sandbox, env } = await prepare(options, onEnd);
  const port = await findFreePort();
  const api = await startService('api', { ...env, PORT: String(port), HOST: '127.0.0.1' }, onEnd);
  const startWorker = workerStarter(env, onEnd);
  return { apiUrl: `http://127.0.0.1:${port}`, sandbox, api, startWorker };
}

/** As `deploy`, without an API. */
export async function deployWorkers(options: DeploymentOptions, onEnd: OnEnd): Promise<WorkerDeployment> {
  const { sandbox, env } = await prepare(options, onEnd);
  return { sandbox, startWorker: workerStarter(env, onEnd) };
}

type Environment = Readonly<Record<string, string>>;

/** What all processes of one deployment share. */
async function prepare(
  options: DeploymentOptions,
  onEnd: OnEnd,
): Promise<{ sandbox: SandboxControl; env: Environment }> {
  const sandbox = options.sandbox ?? (await startSandbox(onEnd, options.latencyMs ?? 0));
  const { provider = { name: 'hunter' }, nextProvider } = options;
  const asked = [provider, ...(nextProvider ? [nextProvider] : [])];
  const providers = writeProvidersFile(sandbox.url, asked);
  onEnd('providers file', () => rm(path.dirname(providers.PROVIDERS_FILE), { recursive: true }));
  const env = {
    ...(options.backend.redisUrl !== undefined && { REDIS_URL: options.backend.redisUrl }),
    ...providers,
    DATABASE_URL: options.database.url,
    // One key stands for many clients here.
    RATE_LIMIT_CALLS: '0',
    QUEUE_PREFIX: `b${newId().slice(-10)}`,
    ...options.settings,
  };
  return { sandbox, env };
}

function workerStarter(env: Environment, onEnd: OnEnd): WorkerDeployment['startWorker'] {
  return (settings = {}) => startService('worker', { ...env, ...settings }, onEnd);
}

async function startService(name: 'api' | 'worker', env: Environment, onEnd: OnEnd): Promise<LocalProcess> {
  const started = startProcess({ name, script: `${name}/dist/main.js`, env });
  onEnd(name, () => started.stop(STOP_MS));
  const isReady = (): boolean => started.describeEnd().includes(`${name} ready`);
  await waitUntil(() => isReady() || started.hasEnded(), {
    timeoutMs: START_MS,
    message: `${name} to be ready`,
  });
  if (started.hasEnded()) throw new Error(started.describeEnd());
  return started;
}
