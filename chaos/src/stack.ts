/** Everything that runs: servers of our own, proxies before them, the sandbox, two APIs and three workers. */
import type { Knex } from '@leadwell/shared/db/database';
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import type { TestServer } from '@leadwell/shared/testing/postgres';
import { hasRedis, startRedis } from '@leadwell/shared/testing/redis';
import { deploy } from '@leadwell/harness/deployment';
import { startOwnPostgres } from '@leadwell/harness/own-servers';
import { startTcpProxy, through, type TcpProxy } from '@leadwell/harness/tcp-proxy';
import type { Sandbox } from '@leadwell/sandbox/sandbox';
import type { BackendName } from './fault-names';
import { Supervised } from './supervised';

const APIS = 2;
const WORKERS = 3;
/** The sandbox's limits and speed: fast enough to keep three workers busy, slow enough that a kill finds calls under way. */
const PACE = 20;

export interface ProxiedServer {
  server: TestServer;
  proxy: TcpProxy;
}

export interface Stack {
  /** Past the proxy: what the audit sees is what PostgreSQL holds. */
  knex: Knex;
  postgres: ProxiedServer;
  redis: ProxiedServer | undefined;
  sandbox: Sandbox;
  apis: Supervised[];
  apiUrls: string[];
  workers: Supervised[];
  stop(): Promise<void>;
}

/** `onKilled` is told of every process that SIGKILL ended. */
export async function startStack(backend: BackendName, seed: string, onKilled: () => void): Promise<Stack> {
  if (backend === 'redis' && !hasRedis())
    throw new Error('--backend redis needs redis-server on the PATH: install it, or use --backend postgres.');
  const own = await startOwnPostgres();
  const redisServer = backend === 'redis' ? await startRedis() : undefined;
  const postgres = { server: own.server, proxy: await startTcpProxy(own.server.port) };
  const redis = redisServer && { server: redisServer, proxy: await startTcpProxy(redisServer.port) };
  const deployment = await deploy({
    backend: { name: backend, redisUrl: redis && through(redis.proxy, redis.server.url) },
    database: own.database,
    sandbox: { pace: PACE, seed, latency: { minMs: 200, maxMs: 1_500 } },
    startsApi: false,
    environment: { DATABASE_URL: through(postgres.proxy, own.database.url) },
  });
  const ports = await Promise.all(Array.from({ length: APIS }, findFreePort));
  const apis = ports.map(
    (port, index) =>
      new Supervised(`api ${index + 1}`, () => deployment.startApi({ PORT: String(port) }), onKilled),
  );
  const workers = Array.from(
    { length: WORKERS },
    (_, index) => new Supervised(`worker ${index + 1}`, () => deployment.startWorker(), onKilled),
  );
  await Promise.all([...apis, ...workers].map((supervised) => supervised.firstReady));
  return {
    knex: own.database.knex,
    postgres,
    redis,
    sandbox: deployment.sandbox,
    apis,
    apiUrls: ports.map((port) => `http://127.0.0.1:${port}`),
    workers,
    async stop() {
      await Promise.all([...apis, ...workers].map((supervised) => supervised.stop()));
      await deployment.stop();
      await postgres.proxy.close();
      await redis?.proxy.close();
      await redis?.server.stop();
    },
  };
}
