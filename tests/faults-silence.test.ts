/** Servers that say nothing and close nothing, or refuse to take more: no process hangs, and the work goes on by itself. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startTcpProxy, through, type TcpProxy } from '@leadwell/harness/tcp-proxy';
import { openDatabase, query, type Knex } from '@leadwell/shared/db/database';
import { allowStatementTime } from '@leadwell/shared/db/silence';
import { classifyDatabaseError } from '@leadwell/shared/db/sql-state';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { hasRedis, startRedis } from '@leadwell/shared/testing/redis';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import Redis from 'ioredis';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant } from './support/seed';

// All wait for the bounds that production has: they wait beside each other.
const CREDITS = 10_000;
const LEADS = 100;

async function createProxiedDatabase(): Promise<{ database: TestDatabase; proxy: TcpProxy; url: string }> {
  const database = await createTestDatabase();
  const proxy = await startTcpProxy(Number(new URL(database.url).port));
  return { database, proxy, url: through(proxy, database.url) };
}

async function startWork(deployment: Deployment) {
  const tenant = await seedTenant(deployment.database.knex, { credits: CREDITS });
  const client = new Client(deployment.apiUrl, tenant.apiKey);
  deployment.sandbox.setLatency({ minMs: 200, maxMs: 800 });
  const worker = await deployment.startWorker();
  return { client, worker, orgId: tenant.orgId };
}

const faultOf = (asking: Promise<unknown>): Promise<unknown> =>
  asking.then(() => 'answered', classifyDatabaseError);

async function sleepFor(knex: Knex, seconds: number, allowedMs: number): Promise<void> {
  await knex.transaction(async (trx) => {
    await allowStatementTime(trx, allowedMs);
    await allowStatementTime(trx, 300);
    await query(trx, `SELECT pg_sleep(?)`, [seconds]);
  });
}

describe('PostgreSQL that says nothing', () => {
  it.concurrent(
    'fails a statement and a COMMIT as unavailable, spares what may take long, and leaves a whole pool',
    async () => {
      const { database, proxy, url } = await createProxiedDatabase();
      const options = { poolSize: 3, applicationName: 'test', statementTimeoutMs: 300 };
      const [knex, direct] = [
        openDatabase({ ...options, url }),
        openDatabase({ ...options, url: database.url }),
      ];
      try {
        // Six seconds without a word: more than the pool's limit and the grace allow.
        const slow = sleepFor(direct, 6, 10_000);
        const trx = await knex.transaction();
        await query(trx, 'SELECT 1');
        await query(knex, 'SELECT 1');
        proxy.setState('silent');
        const faults = [
          faultOf(query(knex, 'SELECT 1')),
          faultOf(trx.commit().then(() => trx.executionPromise)),
        ];
        expect(await Promise.all(faults)).toEqual(['unavailable', 'unavailable']);
        proxy.setState('forward');
        expect(await Promise.all([1, 2, 3].map(() => faultOf(query(knex, 'SELECT 1'))))).toEqual(
          Array(3).fill('answered'),
        );
        await slow;
        // The longer time has ended with its transaction.
        expect(await faultOf(query(direct, 'SELECT pg_sleep(1)'))).toBe('unavailable');
      } finally {
        await Promise.all([knex.destroy(), direct.destroy()]);
        await proxy.close();
        await database.drop();
      }
    },
  );

  it.concurrent(
    'is answered for with 503 and Retry-After, and the same processes work on when it speaks again',
    async () => {
      const { database, proxy, url } = await createProxiedDatabase();
      const backend = { name: 'postgres', redisUrl: undefined } as const;
      const deployment = await deploy({ backend, database: { ...database, url } });
      try {
        const { client, worker, orgId } = await startWork(deployment);
        await client.enrich(await seedLeads(database.knex, LEADS), 'emails');
        await untilPendingBelow(database.knex, LEADS);
        proxy.setState('silent');
        const answers = await Promise.all(
          Array.from({ length: 30 }, () => client.call('GET', '/operations/credits/balance')),
        );
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
        expect(answers.every(({ headers }) => Number(headers.get('retry-after')) > 0)).toBe(true);
        proxy.setState('forward');
        await untilPendingBelow(database.knex, 1, 60_000);
        await client.enrich(await seedLeads(database.knex, 10), 'emails');
        await untilPendingBelow(database.knex, 1);
        settledOnce(await readOutcome(database.knex, orgId), {
          total: LEADS + 10,
          price: 5,
          credits: CREDITS,
        });
        expect(worker.child.exitCode).toBeNull();
      } finally {
        await deployment.stop();
        await proxy.close();
      }
    },
  );
});

(hasRedis() ? it.concurrent : it.skip)(
  'keeps the backlog in PostgreSQL while Redis is full, and finds a Redis again that fell silent',
  async () => {
    const server = await startRedis();
    const proxy = await startTcpProxy(server.port);
    const admin = new Redis(server.url);
    const backend = { name: 'redis', redisUrl: through(proxy, server.url) } as const;
    const deployment = await deploy({ backend });
    try {
      const { client, worker, orgId } = await startWork(deployment);
      const { knex } = deployment.database;
      await admin.config('SET', 'maxmemory', '100kb');
      await client.enrich(await seedLeads(knex, LEADS), 'emails');
      await waitUntil(() => worker.output().includes('jobs could not be queued'), {
        message: 'the relay to be refused',
      });
      await admin.config('SET', 'maxmemory', '0');
      await untilPendingBelow(knex, LEADS - 20);
      // Every connection that there is now is lost for good, and nobody is told.
      proxy.setState('silent');
      proxy.setState('forward');
      await client.enrich(await seedLeads(knex, LEADS), 'emails');
      await untilPendingBelow(knex, 1, 60_000);
      settledOnce(await readOutcome(knex, orgId), { total: 2 * LEADS, price: 5, credits: CREDITS });
      expect(worker.child.exitCode).toBeNull();
    } finally {
      admin.disconnect();
      await deployment.stop();
      await proxy.close();
      await server.stop();
    }
  },
);

/** Accepts connections, and says nothing. */
async function startSilentServer(): Promise<{ address: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

it.concurrent(
  'gone or silent at its start, has a worker exit with a sentence that says what to do',
  async () => {
    const silent = await startSilentServer();
    const backend = { name: 'postgres', redisUrl: undefined } as const;
    const deployment = await deploy({ backend, startsApi: false });
    const gone = '127.0.0.1:1';
    const database = /ended at its start[^]*\nThe database cannot be reached/;
    const queue = /ended at its start[^]*\nRedis does not answer: .* Then start this process again/;
    try {
      await Promise.all(
        [gone, silent.address].flatMap((address) => [
          expect(
            deployment.startWorker({ DATABASE_URL: `postgres://nobody@${address}/none` }),
          ).rejects.toThrow(database),
          expect(deployment.startWorker({ REDIS_URL: `redis://${address}` })).rejects.toThrow(queue),
        ]),
      );
    } finally {
      await deployment.stop();
      silent.close();
    }
  },
);
