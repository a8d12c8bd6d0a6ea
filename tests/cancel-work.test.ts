/** Cancels while real workers are at work: nothing is lost, refunded twice or left behind; both queue backends. */
import { query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment, type Process } from './support/deployment';
import { seedLeads, seedTenant } from './support/seed';

interface CancelBody {
  cancelled: { count: number; enrichmentIds: string[] };
  goingOn: { asked: { count: number } };
  creditsRefunded: number;
  balance: number;
}

describe.each(queueBackends())('cancel during work with the queue on $name', (backend) => {
  let deployment: Deployment;
  let orgId: string;
  const workers: Process[] = [];

  beforeAll(async () => {
    // 30 leads a second: a thousand are far from done when the cancel comes.
    deployment = await deploy({ backend, sandbox: { pace: 2 }, environment: { CHECK_SECONDS: '0.5' } });
  });
  afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.kill())));
  afterAll(() => deployment.stop());

  const startWorker = async (environment: NodeJS.ProcessEnv = {}): Promise<Process> => {
    const worker = await deployment.startWorker(environment);
    workers.push(worker);
    return worker;
  };

  const count = async (condition: string): Promise<number> => {
    const [row] = await query<{ n: number }>(
      deployment.database.knex,
      `SELECT count(*) AS n FROM enrichments e WHERE org_id = :orgId AND ${condition}`,
      { orgId },
    );
    return row?.n ?? 0;
  };

  /** Accepts a thousand leads, cancels in the middle of them, and waits until nothing is pending and no batch is open. */
  async function cancelInTheMiddle(duringCancel: () => Promise<unknown>) {
    const { knex } = deployment.database;
    const tenant = await seedTenant(knex, { credits: 5_000 });
    orgId = tenant.orgId;
    const client = new Client(deployment.apiUrl, tenant.apiKey);
    await client.enrich(await seedLeads(knex, 1_000), 'emails');
    await waitUntil(async () => (await count(`status <> 'pending'`)) >= 20, {
      message: 'work to be under way',
    });
    const { requests } = await client.get<{ requests: { id: string }[] }>('/operations/enrichment/requests');
    const path = `/operations/enrichment/requests/${requests[0]?.id}/cancel`;
    const [answers] = await Promise.all([
      Promise.all([1, 2, 3].map(() => client.call('POST', path))),
      duringCancel(),
    ]);
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as CancelBody[];
    await waitUntil(async () => (await count(`status = 'pending'`)) === 0, {
      message: 'no enrichment pending',
    });
    await waitUntil(
      async () => (await query(knex, 'SELECT 1 FROM batches WHERE completed_at IS NULL')).length === 0,
      { message: 'no batch open' },
    );
    return { client, bodies };
  }

  async function assertSettled(client: Client, bodies: readonly CancelBody[]): Promise<void> {
    const cancelled = bodies.reduce((sum, body) => sum + body.cancelled.count, 0);
    expect(cancelled).toBeGreaterThan(100);
    expect(bodies.reduce((sum, body) => sum + body.creditsRefunded, 0)).toBe(5 * cancelled);
    expect(await count(`status = 'cancelled'`)).toBe(cancelled);
    expect(
      await count(`status = 'cancelled' AND EXISTS (SELECT 1 FROM attempts WHERE enrichment_id = e.id)`),
    ).toBe(0);
    expect(await client.balance()).toBe(5_000 - 5 * (await count('data_found')));
    const faults = (await audit(deployment.database.knex)).invariants.filter((one) => one.violations > 0);
    expect(faults).toEqual([]);
  }

  it('ends what waits, lets what was asked go on, and strands nothing', async () => {
    const worker = await startWorker();
    const { client, bodies } = await cancelInTheMiddle(() => Promise.resolve());
    await assertSettled(client, bodies);
    // The worker is free at once: it stops without anything to give back, and a new request is worked.
    const [row] = await query<{ id: string }>(
      deployment.database.knex,
      `SELECT entity_id AS id FROM enrichments WHERE status = 'cancelled' AND org_id = ? LIMIT 1`,
      [orgId],
    );
    const [again] = await client.enrich([row?.id ?? ''], 'emails');
    expect(again?.status).toBe('pending');
    await waitUntil(async () => (await count(`status = 'pending'`)) === 0);
    expect(await worker.stop()).toBe(0);
  });

  it('also where a worker is killed at that moment', async () => {
    // What the victim has comes back soon.
    const [victim] = await Promise.all([startWorker({ LEASE_SECONDS: '3' }), startWorker()]);
    const { client, bodies } = await cancelInTheMiddle(() => victim.kill());
    await assertSettled(client, bodies);
  });
});
