/** PostgreSQL and Redis die under load: nothing accepted is lost, nothing is charged twice, and the processes come back by themselves. */
import { execute } from '@leadwell/shared/db/database';
import { startRedis } from '@leadwell/shared/testing/redis';
import { hasRedis } from '@leadwell/shared/testing/redis';
import type { TestServer } from '@leadwell/shared/testing/postgres';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { startOwnPostgres, type OwnPostgres } from './support/own-servers';
import { seedLeads, seedTenant } from './support/seed';

const CREDITS = 10_000;

async function clientOf(deployment: Deployment) {
  const tenant = await seedTenant(deployment.database.knex, { credits: CREDITS });
  return { orgId: tenant.orgId, client: new Client(deployment.apiUrl, tenant.apiKey) };
}

describe('PostgreSQL restarted under load', () => {
  let postgres: OwnPostgres;
  let deployment: Deployment;

  beforeEach(async () => {
    postgres = await startOwnPostgres();
    deployment = await deploy({
      backend: { name: 'postgres', redisUrl: undefined },
      database: postgres.database,
      sandbox: { pace: 10 },
      environment: { CHECK_SECONDS: '0.5' },
    });
  });
  afterEach(() => deployment.stop());

  it('brings the same processes back to work, and every lead to one end', async () => {
    const { client, orgId } = await clientOf(deployment);
    const { knex } = deployment.database;
    const workers = await Promise.all([deployment.startWorker(), deployment.startWorker()]);
    await client.enrich(await seedLeads(knex, 300), 'emails');
    await untilPendingBelow(knex, 260);
    await postgres.server.kill();
    const refused = await client.call('GET', '/operations/credits/balance');
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    await postgres.server.restart();
    await waitUntil(async () => (await client.call('GET', '/operations/credits/balance')).status === 200, {
      message: 'the API to answer again',
    });
    await untilPendingBelow(knex, 1);
    settledOnce(await readOutcome(knex, orgId), { total: 300, price: 5, credits: CREDITS });
    expect(workers.map(({ child }) => child.exitCode)).toEqual([null, null]);
    // New work reaches the consumers that lived through it.
    await client.enrich(await seedLeads(knex, 20), 'emails');
    await untilPendingBelow(knex, 1);
  });

  it('survives every session being ended, again and again', async () => {
    const { client, orgId } = await clientOf(deployment);
    const { knex } = deployment.database;
    await deployment.startWorker();
    await client.enrich(await seedLeads(knex, 300), 'emails');
    for (let round = 0; round < 5; round++) {
      await untilPendingBelow(knex, 290 - round * 40);
      await execute(
        knex,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name <> 'test'`,
      );
    }
    await untilPendingBelow(knex, 1);
    settledOnce(await readOutcome(knex, orgId), { total: 300, price: 5, credits: CREDITS });
  });
});

(hasRedis() ? describe : describe.skip)('Redis lost under load', () => {
  let redis: TestServer;
  let deployment: Deployment;

  beforeEach(async () => {
    redis = await startRedis();
    deployment = await deploy({
      backend: { name: 'redis', redisUrl: redis.url },
      sandbox: { pace: 10 },
      environment: { CHECK_SECONDS: '0.5' },
    });
  });
  afterEach(async () => {
    await deployment.stop();
    await redis.stop();
  });

  it('republishes everything after a restart that lost all of it, twice', async () => {
    const { client, orgId } = await clientOf(deployment);
    const { knex } = deployment.database;
    await Promise.all([deployment.startWorker(), deployment.startWorker()]);
    await client.enrich(await seedLeads(knex, 400), 'emails');
    await untilPendingBelow(knex, 380);
    await redis.restart();
    await untilPendingBelow(knex, 200);
    await redis.restart();
    await untilPendingBelow(knex, 1);
    settledOnce(await readOutcome(knex, orgId), { total: 400, price: 5, credits: CREDITS });
  });

  it('sweeps what is past its deadline and audits on schedule while Redis is away, and says loudly what does not add up', async () => {
    const { client, orgId } = await clientOf(deployment);
    const { knex } = deployment.database;
    const worker = await deployment.startWorker({ AUDIT_EVERY_MINUTES: '0.01' });
    await redis.kill();
    await client.enrich(await seedLeads(knex, 20), 'emails');
    await execute(knex, 'UPDATE batches SET deadline_at = clock_timestamp()');
    await untilPendingBelow(knex, 1);
    const outcome = await readOutcome(knex, orgId);
    settledOnce(outcome, { total: 20, price: 5, credits: CREDITS });
    expect(outcome.refunded).toBe(20);
    const says = (text: string) => waitUntil(() => worker.output().includes(text), { message: text });
    await says('audit: everything adds up');
    await execute(knex, 'UPDATE credit_accounts SET balance = balance + 7');
    await says('AN INVARIANT IS VIOLATED');
    expect(worker.output()).toMatch(/"level":"error".*"invariant":"balance_equals_transactions"/);
    // Nobody corrects money but a person.
    expect(await client.balance()).toBe(CREDITS + 7);
  });

  it('accepts while Redis is away, stops on SIGTERM all the same, and works it off when Redis is back', async () => {
    const { client, orgId } = await clientOf(deployment);
    const { knex } = deployment.database;
    const [first] = await Promise.all([deployment.startWorker(), deployment.startWorker()]);
    await client.enrich(await seedLeads(knex, 200), 'emails');
    await untilPendingBelow(knex, 195);
    await redis.kill();
    await client.enrich(await seedLeads(knex, 100), 'emails');
    await first.stop();
    // Ended of itself, before anybody had to kill it.
    expect(first.child.signalCode).toBeNull();
    await redis.restart();
    await untilPendingBelow(knex, 1);
    settledOnce(await readOutcome(knex, orgId), { total: 300, price: 5, credits: CREDITS });
  });
});
