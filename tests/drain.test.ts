/** Accepted work reaches its end, whatever happens to the workers: real processes, both queue backends. */
import { query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant } from './support/seed';

describe.each(queueBackends())('with the queue on $name', (backend) => {
  let deployment: Deployment;

  beforeAll(async () => {
    // Two workers cannot have all batches of the larger orders: some are left for a third.
    deployment = await deploy({ backend, environment: { CHECK_SECONDS: '0.5', WORKER_CONCURRENCY: '3' } });
  });
  beforeEach(() => deployment.sandbox.reset());
  afterAll(() => deployment.stop());

  const clientOf = async (credits: number) => {
    const tenant = await seedTenant(deployment.database.knex, { credits });
    return { orgId: tenant.orgId, client: new Client(deployment.apiUrl, tenant.apiKey) };
  };
  const drained = () => untilPendingBelow(deployment.database.knex, 1);
  const auditFaults = async () =>
    (await audit(deployment.database.knex)).invariants.filter((one) => one.violations > 0);

  it('finishes work that was accepted while no worker ran, and that a stopped worker gave back', async () => {
    const { client } = await clientOf(10_000);
    await client.enrich(await seedLeads(deployment.database.knex, 400), 'emails');
    const first = await deployment.startWorker();
    await untilPendingBelow(deployment.database.knex, 390);
    expect(await first.stop()).toBe(0);
    const [left] = await query<{ deliveries: number }>(
      deployment.database.knex,
      `SELECT max(deliveries) AS deliveries FROM batches WHERE completed_at IS NULL`,
    );
    expect(left?.deliveries ?? 0).toBe(0);
    const second = await deployment.startWorker();
    await drained();
    await second.kill();
    expect(await auditFaults()).toEqual([]);
  });

  describe('by two workers', () => {
    beforeAll(() => Promise.all([deployment.startWorker(), deployment.startWorker()]));

    it('ends every lead of a request, charges what was found and refunds the rest', async () => {
      const { client, orgId } = await clientOf(10_000);
      const leadIds = await seedLeads(deployment.database.knex, 120);
      await client.enrich(leadIds, 'emails');
      await client.enrich(leadIds, 'phones');
      await drained();
      const rows = await query<{ field: string; status: string; found: number; count: number }>(
        deployment.database.knex,
        `SELECT field, count(*) FILTER (WHERE data_found) AS found, count(*) FILTER (WHERE status = 'finished') AS finished, count(*)
           FROM enrichments WHERE org_id = ? GROUP BY field ORDER BY field`,
        [orgId],
      );
      const [emails, phones] = rows.map((row) => row.found);
      expect(emails).toBeGreaterThan(50);
      expect(phones).toBeGreaterThan(40);
      expect(await client.balance()).toBe(10_000 - 5 * (emails ?? 0) - 20 * (phones ?? 0));
      expect(await auditFaults()).toEqual([]);
    });

    it('asks a provider once when two organisations ask the same at once, and shows neither the other’s values', async () => {
      const [one, two, stranger] = [await clientOf(1_000), await clientOf(1_000), await clientOf(0)];
      const leadIds = await seedLeads(deployment.database.knex, 30);
      await Promise.all([
        one.client.enrich(leadIds, 'emails'),
        two.client.enrich([...leadIds].reverse(), 'emails'),
      ]);
      await drained();
      const accounts = deployment.sandbox.stats().accounts;
      expect(accounts.map((account) => account.questions.repeated)).toEqual(accounts.map(() => 0));
      const found = await query<{ lead: string }>(
        deployment.database.knex,
        'SELECT entity_id AS lead FROM enrichments WHERE data_found AND org_id = ?',
        [one.orgId],
      );
      // Whose call it was makes no difference to the price: it was fixed when the order was accepted.
      const left = 1_000 - 5 * found.length;
      expect(await Promise.all([one, two].map(({ client }) => client.balance()))).toEqual([left, left]);
      const lead = found[0]?.lead as string;
      const [mine, yours, theirs] = await Promise.all(
        [one, two, stranger].map(({ client }) => client.person(lead)),
      );
      expect(mine?.emails.length).toBeGreaterThan(0);
      expect(yours?.emails).toEqual(mine?.emails);
      expect(theirs?.emails).toEqual([]);
      expect(await auditFaults()).toEqual([]);
    });

    it('lets overlapping selections in opposite order be accepted while workers settle them, without a deadlock', async () => {
      const { client, orgId } = await clientOf(100_000);
      const leadIds = await seedLeads(deployment.database.knex, 300);
      const selections = Array.from({ length: 12 }, (_, index) => {
        const part = leadIds.slice(index * 10, index * 10 + 180);
        return index % 2 === 0 ? part : part.reverse();
      });
      await Promise.all(selections.map((selection) => client.enrich(selection, 'emails')));
      await drained();
      const [rows] = await query<{ total: number; leads: number }>(
        deployment.database.knex,
        'SELECT count(*) AS total, count(DISTINCT entity_id) AS leads FROM enrichments WHERE org_id = ?',
        [orgId],
      );
      expect(rows).toEqual({ total: 290, leads: 290 });
      expect(await auditFaults()).toEqual([]);
    });

    it('works on after kill -9 of one of three workers in the middle of hundreds of leads, and loses, charges or leaks nothing', async () => {
      const { client, orgId } = await clientOf(10_000);
      // What it has comes back soon.
      const victim = await deployment.startWorker({ LEASE_SECONDS: '3' });
      await client.enrich(await seedLeads(deployment.database.knex, 500), 'emails');
      const isLeased = async (): Promise<boolean> => {
        const leased = await query(
          deployment.database.knex,
          'SELECT 1 FROM batches WHERE leased_by LIKE ? AND lease_until > clock_timestamp()',
          [`%:${victim.child.pid}`],
        );
        return leased.length > 0;
      };
      await waitUntil(isLeased, { message: 'the victim to be at work' });
      await victim.kill();
      await drained();
      const [ended] = await query<{ found: number; total: number; refunded: number }>(
        deployment.database.knex,
        `SELECT count(*) FILTER (WHERE data_found) AS found, count(*) AS total, count(refund_transaction_id) AS refunded
           FROM enrichments WHERE org_id = ?`,
        [orgId],
      );
      expect(ended?.total).toBe(500);
      expect(ended?.refunded).toBe(500 - (ended?.found ?? 0));
      expect(await client.balance()).toBe(10_000 - 5 * (ended?.found ?? 0));
      expect(await auditFaults()).toEqual([]);
    });
  });
});
