/**
 * Providers that answer later: what they have taken is polled, never handed in again. Real processes; both queue backends
 * where the queue matters. How long they are waited for: worker/src/work/poll-desk.test.ts.
 */
import { query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { queueBackends, type QueueBackend } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment, type Process } from './support/deployment';
import { seedLeads, seedTenant } from './support/seed';

let deployment: Deployment;
let workers: Process[];
let client: Client;
let orgId: string;

/** One deployment for all tests of a describe; each has a tenant, leads and workers of its own, and drains. */
function onOneDeployment(backend: QueueBackend): void {
  beforeAll(async () => {
    const waterfall = { emails: ['dropcontact', 'leadmagic'], phones: ['apollo', 'leadmagic'] };
    deployment = await deploy({ backend, waterfall, environment: { CHECK_SECONDS: '0.2' } });
  });
  beforeEach(async () => {
    workers = [];
    deployment.sandbox.reset();
    const tenant = await seedTenant(deployment.database.knex, { credits: 1_000 });
    orgId = tenant.orgId;
    client = new Client(deployment.apiUrl, tenant.apiKey);
  });
  afterEach(() => Promise.all(workers.map((worker) => worker.kill())));
  afterAll(() => deployment.stop());
}

/** Whoever is to be killed keeps what it has for the shortest time. */
async function startWorker(environment: NodeJS.ProcessEnv = {}): Promise<Process> {
  const worker = await deployment.startWorker(environment);
  workers.push(worker);
  return worker;
}
const startVictim = () => startWorker({ LEASE_SECONDS: '3' });

const enrich = async (count: number, field: 'emails' | 'phones', wish?: string) =>
  client.enrich(await seedLeads(deployment.database.knex, count, null, wish), field);

/** Of this test's organisation. */
async function count(what: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    deployment.database.knex,
    `WITH mine AS (SELECT * FROM enrichments WHERE org_id = :orgId),
          tries AS (SELECT * FROM attempts WHERE enrichment_id IN (SELECT id FROM mine)),
          asked AS (SELECT * FROM lookups WHERE id IN (SELECT lookup_id FROM tries)),
          parts AS (SELECT * FROM batches WHERE org_id = :orgId)
     SELECT count(*) FROM ${what}`,
    { orgId },
  );
  return row?.count ?? 0;
}
const countSubmitted = () => count('asked WHERE external_id IS NOT NULL');
const drained = () =>
  waitUntil(async () => (await count(`mine WHERE status = 'pending'`)) === 0, {
    message: 'no enrichment pending',
  });
const auditFaults = async () =>
  (await audit(deployment.database.knex)).invariants.filter((one) => one.violations > 0);

function accountOf(provider: string) {
  const account = deployment.sandbox.stats().accounts.find((one) => one.provider === provider);
  if (!account) throw new Error(`${provider} was not asked`);
  return account;
}

/** The endpoints of a provider's account whose calls are counted; '' stands for those that are not counted apart. */
async function countedEndpoints(provider: string): Promise<string[]> {
  const rows = await query<{ endpoint: string }>(
    deployment.database.knex,
    `SELECT DISTINCT split_part(account, ' ', 4) AS endpoint FROM provider_limits WHERE split_part(account, ' ', 1) = ? ORDER BY 1`,
    [provider],
  );
  return rows.map(({ endpoint }) => endpoint);
}

/** Where the queue makes no difference: on one of them. */
function whateverTheQueue(): void {
  it('is handed in once more, and counted, after kill -9 between sending and learning its id', async () => {
    deployment.sandbox.setLatency({ minMs: 1_500, maxMs: 1_500 });
    const victim = await startVictim();
    await enrich(40, 'emails');
    await waitUntil(() => deployment.sandbox.stats().accounts.some(({ inFlight }) => inFlight > 0), {
      message: 'the submission to be under way',
    });
    await victim.kill();
    await waitUntil(() => accountOf('dropcontact').questions.distinct === 40, {
      message: 'the submission to be taken',
    });
    expect(await countSubmitted()).toBe(0);
    deployment.sandbox.setLatency({ minMs: 0, maxMs: 0 });
    await startWorker();
    await drained();
    expect(accountOf('dropcontact').questions).toMatchObject({ distinct: 40, repeated: 40 });
    expect(await count(`asked WHERE provider = 'dropcontact' AND repeats = 1`)).toBe(40);
    expect(await auditFaults()).toEqual([]);
  });

  it('finds numbers at Apollo by ids beyond 2^53, to the digit', async () => {
    await startWorker();
    await enrich(10, 'phones', 'only-apollo');
    await enrich(10, 'phones', 'always-miss');
    await drained();
    expect(accountOf('apollo').questions).toMatchObject({ distinct: 20, repeated: 0 });
    // As the sandbox counts them, above and below zero: an id that lost a digit would be polled in vain.
    const ids = await query<{ job: string }>(
      deployment.database.knex,
      `SELECT DISTINCT split_part(external_id, '/', 1) AS job FROM lookups WHERE provider = 'apollo' AND external_id IS NOT NULL`,
    );
    expect(ids.length).toBeGreaterThan(1);
    for (const { job } of ids) expect(job).toMatch(/^-?67634349912990997[234]\d$/);
    expect(await count(`tries WHERE provider = 'apollo' AND outcome = 'hit'`)).toBe(10);
    expect(await count(`tries WHERE provider = 'apollo' AND outcome = 'miss'`)).toBe(10);
    expect(await count(`tries WHERE outcome IS NULL`)).toBe(0);
    expect(await auditFaults()).toEqual([]);
    const [stated] = await query<{ sum: number; unsaid: number }>(
      deployment.database.knex,
      `SELECT sum(stated_cost), count(*) FILTER (WHERE stated_cost IS NULL AND lookups.external_id IS NOT NULL) AS unsaid
         FROM attempts JOIN lookups ON lookups.id = lookup_id WHERE attempts.provider = 'apollo'`,
    );
    // What it says at the submissions and at the polls adds up to what it took.
    expect(stated).toEqual({ sum: accountOf('apollo').credits.used, unsaid: 0 });
    // Two calls handed all in; the polls took nothing off what their endpoint may have, there or here.
    const match = accountOf('apollo').windows.filter(({ path }) => path?.endsWith('/bulk_match'));
    expect(match.map(({ peakGranted }) => peakGranted)).toEqual([2, 2, 2]);
    expect(await countedEndpoints('apollo')).toEqual(['', 'webhook_result']);
  });
}

describe.each(queueBackends())('with the queue on $name', (backend) => {
  onOneDeployment(backend);

  it('gives batches back while nothing is to do but wait, hands in once, and goes on with the misses', async () => {
    await startWorker();
    await enrich(110, 'emails');
    const seenWaiting = new Set<string>();
    const seeWaiting = async (): Promise<boolean> => {
      const waiting = await query<{ id: string }>(
        deployment.database.knex,
        `SELECT id FROM batches WHERE org_id = ? AND completed_at IS NULL AND lease_until IS NULL AND not_before IS NOT NULL`,
        [orgId],
      );
      waiting.forEach(({ id }) => seenWaiting.add(id));
      return seenWaiting.size === 3;
    };
    await waitUntil(seeWaiting, { message: 'every batch to wait without a lease' });
    expect(await countSubmitted()).toBe(110);
    await drained();
    expect(accountOf('dropcontact').questions).toMatchObject({ distinct: 110, repeated: 0 });
    for (const provider of ['dropcontact', 'leadmagic'])
      expect(await count(`tries WHERE outcome = 'hit' AND provider = '${provider}'`)).toBeGreaterThan(10);
    expect(await count('tries WHERE outcome IS NULL')).toBe(0);
    expect(await count('parts WHERE deliveries > 0')).toBe(0);
    expect(await auditFaults()).toEqual([]);
  });

  it('is polled by another after kill -9 of who handed in, and handed in only once', async () => {
    const victim = await startVictim();
    await enrich(40, 'emails');
    await waitUntil(async () => (await countSubmitted()) === 40, { message: 'the submission to be stored' });
    await victim.kill();
    await startWorker();
    await drained();
    expect(accountOf('dropcontact').questions).toMatchObject({ distinct: 40, repeated: 0 });
    expect(await count('asked WHERE repeats > 0')).toBe(0);
    expect(await auditFaults()).toEqual([]);
  });

  if (backend.name === 'postgres') whateverTheQueue();
});
