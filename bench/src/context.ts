/** What a group gets: the run's servers, databases and deployments of its own, and a place to say how far it is. */
import type { TearDown } from '@leadwell/cli/local/tear-down';
import type { Size } from './arguments';
import { createBenchDatabase, type BenchDatabase } from './servers/bench-database';
import {
  deploy,
  deployWorkers,
  type Deployment,
  type DeploymentOptions,
  type WorkerDeployment,
} from './servers/deployment';
import { startSandbox, type SandboxControl } from './servers/sandbox-control';
import type { Servers } from './servers/servers';

export interface BenchContext {
  readonly size: Size;
  /** What the group `scale` loads at full size. */
  readonly enrichments: number;
  /** Undefined where redis-server is not on the PATH: what needs it is left out. */
  readonly redisUrl: string | undefined;
  /** Both where Redis is there: the queue runs on either. */
  readonly backends: readonly [Backend, ...Backend[]];
  /** The number for the run's size. */
  sized(sizes: Record<Size, number>): number;
  /** Shows how far the group is. */
  say(text: string): void;
  /** A migrated, empty database; dropped when the group has ended. */
  createDatabase(): Promise<BenchDatabase>;
  /** Sandbox and API as processes; workers are started by the group. Ended with the group. */
  deploy(options: DeploymentOptions): Promise<Deployment>;
  /** As `deploy`, without an API: work comes by SQL. */
  deployWorkers(options: DeploymentOptions): Promise<WorkerDeployment>;
  /** A sandbox for several deployments. */
  startSandbox(latencyMs?: number): Promise<SandboxControl>;
  /** Undone when the group has ended, last first. */
  onEnd(name: string, undo: () => Promise<unknown>): void;
}

export interface Backend {
  name: 'redis' | 'postgresql';
  /** Undefined: the queue is in PostgreSQL. */
  redisUrl: string | undefined;
}

export function createContext(
  { size, enrichments }: Pick<BenchContext, 'size' | 'enrichments'>,
  servers: Servers,
  tearDown: TearDown,
  say: (text: string) => void,
): BenchContext {
  const { redisUrl } = servers;
  const onEnd = (name: string, undo: () => Promise<unknown>): void => tearDown.add(name, undo);
  return {
    size,
    enrichments,
    redisUrl,
    backends: [
      { name: 'postgresql', redisUrl: undefined },
      ...(redisUrl === undefined ? [] : [{ name: 'redis', redisUrl } as const]),
    ],
    sized: (sizes) => sizes[size],
    say,
    async createDatabase() {
      const database = await createBenchDatabase();
      onEnd('database', () => database.drop());
      return database;
    },
    deploy: (options) => deploy(options, onEnd),
    deployWorkers: (options) => deployWorkers(options, onEnd),
    startSandbox: (latencyMs = 0) => startSandbox(onEnd, latencyMs),
    onEnd,
  };
}
