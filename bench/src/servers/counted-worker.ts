import type { Backend, BenchContext } from '../context';
import type { BenchDatabase } from './bench-database';
import { startCountingProxy, type CountedConnection } from './counting-proxy';

/** What a worker did since the counters began anew. */
export interface Counts {
  /** Of BullMQ's connections. */
  queueTrips: number;
  /** Of everything else that the worker did. */
  statements: number;
  /** Of the largest settle. */
  settleStatements: number;
  calls: number;
}

export interface CountedWorkerOptions {
  backend: Backend;
  database: BenchDatabase;
  /** Over the defaults of the service. */
  settings: Readonly<Record<string, string>>;
}

export interface CountedWorker {
  /** Counts anew. */
  reset(): Promise<void>;
  read(): Promise<Counts>;
}

/** One worker, which reaches its database and its queue through counters. */
export async function startCountedWorker(
  context: BenchContext,
  { backend, database, settings }: CountedWorkerOptions,
): Promise<CountedWorker> {
  const toDatabase = await startCountingProxy(database.url);
  const toRedis = backend.redisUrl === undefined ? undefined : await startCountingProxy(backend.redisUrl);
  const proxies = [toDatabase, ...(toRedis ? [toRedis] : [])];
  for (const proxy of proxies) context.onEnd('counting proxy', () => proxy.close());
  const deployment = await context.deployWorkers({
    database: { ...database, url: toDatabase.url },
    backend: { name: backend.name, redisUrl: toRedis?.url },
    settings,
  });
  await deployment.startWorker();
  const { sandbox } = deployment;
  return {
    async reset() {
      for (const proxy of proxies) proxy.reset();
      await sandbox.reset();
    },
    async read() {
      const { accounts } = await sandbox.stats();
      const calls = accounts.reduce((sum, account) => sum + account.calls, 0);
      return { ...countConnections(proxies.flatMap(({ connections }) => connections)), calls };
    },
  };
}

/** BullMQ's connections to PostgreSQL do not call themselves as the worker's pool does. */
const POOL = 'leadwell-worker';

function countConnections(connections: readonly CountedConnection[]): Omit<Counts, 'calls'> {
  const ofPool = connections.filter(({ applicationName }) => applicationName === POOL);
  const ofQueue = connections.filter(({ applicationName }) => applicationName !== POOL);
  return {
    queueTrips: ofQueue.reduce((sum, { roundTrips }) => sum + roundTrips, 0),
    statements: ofPool.reduce((sum, { statements }) => sum + statements.length, 0),
    settleStatements: Math.max(...ofPool.flatMap(({ statements }) => settleSizes(statements))),
  };
}

/** The numbers of statements of the transactions that end enrichments. */
function settleSizes(statements: readonly string[]): number[] {
  const begins = statements.flatMap((text, index) => (/^BEGIN\b/i.test(text) ? [index] : []));
  const transactions = begins.map((begin) => {
    const length = statements.slice(begin).findIndex((text) => /^(COMMIT|ROLLBACK)\b/i.test(text)) + 1;
    return statements.slice(begin, begin + length);
  });
  return transactions
    .filter((texts) => texts.some((text) => text.includes('UPDATE enrichments')))
    .map((texts) => texts.length);
}
