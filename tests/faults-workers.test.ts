/** Workers stand still, are killed with the same work again and again, or differ: every lead ends once. Real processes. */
import { execute, query } from '@leadwell/shared/db/database';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type EnrichmentView } from './support/client';
import { deploy, type Deployment, type DeploymentOptions } from './support/deployment';
import { countPending, readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant } from './support/seed';

const CREDITS = 10_000;
let deployment: Deployment;
afterEach(() => deployment.stop());

async function start(options: Partial<DeploymentOptions> = {}) {
  deployment = await deploy({ backend: queueBackends()[0]!, ...options });
  const tenant = await seedTenant(deployment.database.knex, { credits: CREDITS });
  const client = new Client(deployment.apiUrl, tenant.apiKey);
  return { orgId: tenant.orgId, client, knex: deployment.database.knex };
}

describe.each(queueBackends())('with the queue on $name', (backend) => {
  it('lets a worker that stands still longer than its lease, twice, fail nothing and charge nothing again', async () => {
    const environment = { LEASE_SECONDS: '3', CHECK_SECONDS: '0.5', BATCH_SIZE: '10' };
    const { orgId, client, knex } = await start({ backend, environment, sandbox: { pace: 10 } });
    deployment.sandbox.setLatency({ minMs: 500, maxMs: 1_500 });
    const sleeper = await deployment.startWorker();
    await client.enrich(await seedLeads(knex, 60), 'emails');
    for (const below of [58, 40]) {
      await untilPendingBelow(knex, below);
      sleeper.child.kill('SIGSTOP');
      await delay(4_000);
      sleeper.child.kill('SIGCONT');
    }
    await untilPendingBelow(knex, 1);
    const outcome = await readOutcome(knex, orgId);
    settledOnce(outcome, { total: 60, price: 5, credits: CREDITS });
    expect(outcome.broken).toBe(0);
  });
});

it('keeps an answer that comes after the deadline, refunds the row, and serves the next round free', async () => {
  const { orgId, client, knex } = await start({ environment: { CHECK_SECONDS: '0.2' } });
  deployment.sandbox.setLatency({ minMs: 6_000, maxMs: 6_000 });
  await deployment.startWorker();
  const leadIds = await seedLeads(knex, 10, null, 'always-hit');
  await client.enrich(leadIds, 'emails');
  await waitUntil(async () => (await query(knex, `SELECT 1 FROM lookups WHERE state = 'asked'`)).length > 0);
  await execute(knex, 'UPDATE batches SET deadline_at = clock_timestamp()');
  await untilPendingBelow(knex, 1);
  const ended = await readOutcome(knex, orgId);
  settledOnce(ended, { total: 10, price: 5, credits: CREDITS });
  expect(ended).toMatchObject({ found: 0, finished: 0, balance: CREDITS });
  // Both counts from one snapshot: the last answer may come between two statements.
  const hits = await waitUntil(
    async () => {
      const [lookups] = await query<{ asked: number; hits: number }>(
        knex,
        `SELECT count(*) FILTER (WHERE state = 'asked') AS asked,
                count(*) FILTER (WHERE state = 'hit') AS hits
           FROM lookups`,
      );
      return lookups?.asked === 0 && lookups.hits;
    },
    { message: 'the answers that were under way to be stored' },
  );
  const again = await client.enrich(leadIds, 'emails');
  expect(again.filter((one) => one.status === 'finished' && one.dataFound)).toHaveLength(hits);
  expect(CREDITS - (await client.balance())).toBe(5 * (10 - hits));
});

it('ends as timeout, refunded, the leads whose providers take longer together than one lead may take', async () => {
  const { orgId, client, knex } = await start({ environment: { ENRICHMENT_TIMEOUT_SECONDS: '1' } });
  deployment.sandbox.setLatency({ minMs: 1_100, maxMs: 1_200 });
  await deployment.startWorker();
  const leadIds = await seedLeads(knex, 5, null, 'always-miss');
  await client.enrich(leadIds, 'emails');
  await untilPendingBelow(knex, 1);
  for (const leadId of leadIds) {
    const ended = await client.get<EnrichmentView>(`/operations/enrichment/${leadId}?field=emails`);
    expect(ended).toMatchObject({ status: 'timeout', dataFound: false });
    expect(ended.error).toMatch(/more than the 1 s that one lead may take/);
  }
  settledOnce(await readOutcome(knex, orgId), { total: 5, price: 5, credits: CREDITS });
  expect(await client.balance()).toBe(CREDITS);
});

it('works batches of one and of a thousand, at no price, with answers that are shared with nobody and kept for no time', async () => {
  const { orgId, client, knex } = await start({
    environment: {
      BATCH_SIZE: '1',
      CHECK_SECONDS: '0.5',
      EMAIL_CREDITS: '0',
      RESULT_DAYS: '0',
      SHARE_RESULTS: 'off',
    },
    sandbox: { pace: 100 },
  });
  const leadIds = await seedLeads(knex, 40);
  await deployment.startWorker();
  await deployment.startWorker({ BATCH_SIZE: '1000', LEASE_SECONDS: '60', SHARE_RESULTS: 'on' });
  await client.enrich(leadIds, 'emails');
  await untilPendingBelow(knex, 1);
  const outcome = await readOutcome(knex, orgId);
  expect(outcome).toMatchObject({ total: 40, broken: 0, refunded: 0, balance: CREDITS, violations: [] });
  expect(outcome.found).toBeGreaterThan(15);
});

it('fails and refunds the leads that every worker dies with, after three of them, and nobody else’s', async () => {
  const { orgId, client, knex } = await start({ environment: { LEASE_SECONDS: '3', CHECK_SECONDS: '0.5' } });
  const leadIds = await seedLeads(knex, 3, null, 'always-hit');
  await client.enrich(leadIds, 'emails');
  // What the crashes of two workers leave behind: the third is killed for real.
  await execute(knex, 'UPDATE batches SET deliveries = 2');
  deployment.sandbox.addFault({ kind: 'hang' });
  const worker = await deployment.startWorker();
  await waitUntil(
    async () =>
      (await query(knex, `SELECT 1 FROM batches WHERE deliveries = 3 AND completed_at IS NULL`)).length > 0,
    { message: 'one of the batches of one to be leased' },
  );
  await worker.kill();
  deployment.sandbox.clearFaults();
  await deployment.startWorker();
  await untilPendingBelow(knex, 1);
  const outcome = await readOutcome(knex, orgId);
  settledOnce(outcome, { total: 3, price: 5, credits: CREDITS });
  const failed = await query<{ error: string }>(
    knex,
    `SELECT error FROM enrichments WHERE status = 'failed'`,
  );
  expect(failed.map((row) => row.error)).toEqual([expect.stringContaining('broke off three times')]);
  expect(await countPending(knex)).toBe(0);
});

it('gives back what is under way on SIGTERM within 30 s, also while a provider hangs or has said to wait', async () => {
  const { orgId, client, knex } = await start();
  deployment.sandbox.addFault({ kind: 'rate', provider: 'hunter', retryAfter: '50' });
  const worker = await deployment.startWorker();
  await client.enrich(await seedLeads(knex, 40), 'emails');
  await waitUntil(async () => (await query(knex, 'SELECT 1 FROM provider_breakers')).length > 0);
  // A worker that waited for the provider would end at its bound, with 1.
  expect(await worker.stop()).toBe(0);
  const left = await query<{ deliveries: number; leased: boolean }>(
    knex,
    'SELECT deliveries, lease_until IS NOT NULL AS leased FROM batches',
  );
  expect(left).toEqual([{ deliveries: 0, leased: false }]);
  deployment.sandbox.clearFaults();
  await execute(knex, 'DELETE FROM provider_breakers');
  await deployment.startWorker();
  await untilPendingBelow(knex, 1);
  const outcome = await readOutcome(knex, orgId);
  settledOnce(outcome, { total: 40, price: 5, credits: CREDITS });
  expect(outcome.broken).toBe(0);
});
