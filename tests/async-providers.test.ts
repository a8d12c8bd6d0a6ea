/** Providers that answer later: what they have taken is polled, never handed in again. Real processes, both queue backends. */
import { execute, query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { seedLeads, seedTenant } from './support/seed';

jest.setTimeout(90_000);

describe.each(queueBackends())('with the queue on $name', (backend) => {
  let deployment: Deployment;
  let client: Client;

  beforeEach(async () => {
    const waterfall = { emails: ['dropcontact', 'hunter'], phones: ['leadmagic'] };
    deployment = await deploy({ backend, waterfall });
    const tenant = await seedTenant(deployment.database.knex, { credits: 1_000 });
    client = new Client(deployment.apiUrl, tenant.apiKey);
  });
  afterEach(() => deployment.stop());

  async function count(sql: string): Promise<number> {
    const [row] = await query<{ count: number }>(deployment.database.knex, `SELECT count(*) FROM ${sql}`);
    return row?.count ?? 0;
  }
  const countSubmitted = () => count('lookups WHERE external_id IS NOT NULL');
  const drained = () =>
    waitUntil(async () => (await count(`enrichments WHERE status = 'pending'`)) === 0, {
      timeoutMs: 60_000,
      message: 'no enrichment pending',
    });
  const auditFaults = async () =>
    (await audit(deployment.database.knex)).invariants.filter((one) => one.violations > 0);
  const dropcontact = () => {
    const account = deployment.sandbox.stats().accounts.find(({ provider }) => provider === 'dropcontact');
    if (!account) throw new Error('Dropcontact was not asked');
    return account;
  };

  it('gives batches back while nothing is to do but wait, hands in once, and goes on with the misses', async () => {
    await deployment.startWorker();
    await client.enrich(await seedLeads(deployment.database.knex, 120), 'emails');
    await waitUntil(
      async () =>
        (await count(
          `batches WHERE completed_at IS NULL AND lease_until IS NULL AND not_before IS NOT NULL`,
        )) === 3,
      { timeoutMs: 20_000, message: 'every batch to wait without a lease' },
    );
    expect(await countSubmitted()).toBe(120);
    await drained();
    expect(dropcontact().questions).toMatchObject({ distinct: 120, repeated: 0 });
    const byProvider = await query<{ provider: string; hits: number }>(
      deployment.database.knex,
      `SELECT provider, count(*) FILTER (WHERE outcome = 'hit') AS hits FROM attempts GROUP BY provider ORDER BY provider`,
    );
    expect(byProvider.map(({ provider }) => provider)).toEqual(['dropcontact', 'hunter']);
    expect(Math.min(...byProvider.map(({ hits }) => hits))).toBeGreaterThan(10);
    expect(await count('attempts WHERE outcome IS NULL')).toBe(0);
    expect(await count('batches WHERE deliveries > 0')).toBe(0);
    expect(await auditFaults()).toEqual([]);
  });

  it('is polled by another after kill -9 of who handed in, and handed in only once', async () => {
    const victim = await deployment.startWorker();
    await client.enrich(await seedLeads(deployment.database.knex, 60), 'emails');
    await waitUntil(async () => (await countSubmitted()) === 60, { message: 'the submission to be stored' });
    await victim.kill();
    await deployment.startWorker();
    await drained();
    expect(dropcontact().questions).toMatchObject({ distinct: 60, repeated: 0 });
    expect(await count('lookups WHERE repeats > 0')).toBe(0);
    expect(await auditFaults()).toEqual([]);
  });

  it('is handed in once more, and counted, after kill -9 between sending and learning its id', async () => {
    deployment.sandbox.setLatency({ minMs: 1_500, maxMs: 1_500 });
    const victim = await deployment.startWorker();
    await client.enrich(await seedLeads(deployment.database.knex, 40), 'emails');
    await waitUntil(() => deployment.sandbox.stats().accounts.some(({ inFlight }) => inFlight > 0), {
      message: 'the submission to be under way',
    });
    await victim.kill();
    await waitUntil(() => dropcontact().questions.distinct === 40, { message: 'the submission to be taken' });
    expect(await countSubmitted()).toBe(0);
    deployment.sandbox.setLatency({ minMs: 0, maxMs: 0 });
    await deployment.startWorker();
    await drained();
    expect(dropcontact().questions).toMatchObject({ distinct: 40, repeated: 40 });
    expect(await count(`lookups WHERE provider = 'dropcontact' AND repeats = 1`)).toBe(40);
    expect(await auditFaults()).toEqual([]);
  });

  it('has failed ten minutes after it was handed in, and the next provider is asked', async () => {
    await deployment.startWorker();
    await client.enrich(await seedLeads(deployment.database.knex, 30), 'emails');
    await waitUntil(async () => (await countSubmitted()) === 30, { message: 'the submission to be stored' });
    deployment.sandbox.addFault({ kind: '500', provider: 'dropcontact' });
    await execute(
      deployment.database.knex,
      `UPDATE lookups SET asked_at = asked_at - interval '601 seconds' WHERE external_id IS NOT NULL`,
    );
    await drained();
    expect(
      await count(`attempts WHERE provider = 'dropcontact' AND outcome = 'failed' AND duration_ms > 600000`),
    ).toBe(30);
    expect(
      await count(`attempts WHERE provider = 'hunter' AND outcome IN ('hit', 'miss', 'restricted')`),
    ).toBe(30);
    expect(dropcontact().questions.repeated).toBe(0);
    expect(await auditFaults()).toEqual([]);
  });
});
