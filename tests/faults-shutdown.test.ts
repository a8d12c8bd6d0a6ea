/** SIGTERM under load while Redis is gone, or Redis or PostgreSQL says nothing: in time, with an honest exit code, and nothing is lost. */
import { startTcpProxy, through, type TcpProxy } from '@leadwell/harness/tcp-proxy';
import { createTestDatabase } from '@leadwell/shared/testing/database';
import { hasRedis, startRedis } from '@leadwell/shared/testing/redis';
import { Client } from './support/client';
import { deploy, type Deployment, type Process } from './support/deployment';
import { readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant } from './support/seed';

const CREDITS = 10_000;
const LEADS = 200;
/** What compose grants between SIGTERM and SIGKILL is 35 s; the bound of a worker is 28 s. */
const AT_MOST_MS = 33_000;

/** An API and two workers, one of them in the middle of an order. */
async function startBusy(deployment: Deployment) {
  const { knex } = deployment.database;
  const tenant = await seedTenant(knex, { credits: CREDITS });
  deployment.sandbox.setLatency({ minMs: 300, maxMs: 1_500 });
  const processes = [await deployment.startApi({ PORT: '0' }), await deployment.startWorker()];
  await new Client(deployment.apiUrl, tenant.apiKey).enrich(await seedLeads(knex, LEADS), 'emails');
  processes.push(await deployment.startWorker());
  await untilPendingBelow(knex, LEADS);
  return { processes, orgId: tenant.orgId };
}

/** In time, and either everything is closed or the last line names what is not. */
async function expectHonestEnd(running: Process): Promise<void> {
  const stoppingAt = Date.now();
  const code = await running.stop();
  expect(Date.now() - stoppingAt).toBeLessThan(AT_MOST_MS);
  const lines = running.output().trim().split('\n');
  const last = JSON.parse(lines.at(-1)!) as { msg: string; left?: string[] };
  if (code === 0) return expect(last.msg).toBe('stopped');
  expect([code, last.msg]).toEqual([1, expect.stringMatching(/left behind: /)]);
  expect(last.left?.length).toBeGreaterThan(0);
}

async function expectWorkedOff(deployment: Deployment, orgId: string): Promise<void> {
  const { knex } = deployment.database;
  deployment.sandbox.setLatency({ minMs: 0, maxMs: 0 });
  await deployment.startWorker();
  await untilPendingBelow(knex, 1, 60_000);
  settledOnce(await readOutcome(knex, orgId), { total: LEADS, price: 5, credits: CREDITS });
}

async function endInSilence(deployment: Deployment, proxy: TcpProxy): Promise<void> {
  const { processes, orgId } = await startBusy(deployment);
  proxy.setState('silent');
  await Promise.all(processes.map(expectHonestEnd));
  proxy.setState('forward');
  await expectWorkedOff(deployment, orgId);
}

// All wait for the bounds of production: beside each other.
(hasRedis() ? it.concurrent : it.skip)('ends every process in time while Redis is gone', async () => {
  const redis = await startRedis();
  const deployment = await deploy({ backend: { name: 'redis', redisUrl: redis.url } });
  try {
    const { processes, orgId } = await startBusy(deployment);
    await redis.kill();
    await Promise.all(processes.map(expectHonestEnd));
    await redis.restart();
    await expectWorkedOff(deployment, orgId);
  } finally {
    await deployment.stop();
    await redis.stop();
  }
});

(hasRedis() ? it.concurrent : it.skip)('ends every process in time while Redis says nothing', async () => {
  const redis = await startRedis();
  const proxy = await startTcpProxy(redis.port);
  const deployment = await deploy({ backend: { name: 'redis', redisUrl: through(proxy, redis.url) } });
  try {
    await endInSilence(deployment, proxy);
  } finally {
    await deployment.stop();
    await proxy.close();
    await redis.stop();
  }
});

it.concurrent('ends every process in time while PostgreSQL says nothing', async () => {
  const database = await createTestDatabase();
  const proxy = await startTcpProxy(Number(new URL(database.url).port));
  const backend = { name: 'postgres', redisUrl: undefined } as const;
  const deployment = await deploy({ backend, database: { ...database, url: through(proxy, database.url) } });
  try {
    await endInSilence(deployment, proxy);
  } finally {
    await deployment.stop();
    await proxy.close();
  }
});
