/** Processes killed at named points of the protocol: what each leaves is what the protocol says, and all of it ends once. */
import { once } from 'node:events';
import { failingAt, type FailPoint } from '@leadwell/harness/fail-points';
import { execute, query, type Knex } from '@leadwell/shared/db/database';
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { Client, type EnrichmentView } from './support/client';
import { deploy, type Deployment, type Process } from './support/deployment';
import { readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant, type Tenant } from './support/seed';

const CREDITS = 10_000;
const LEADS = 30;
const CHECK_SECONDS = 0.5;
let deployment: Deployment;
let knex: Knex;

// Whoever is killed keeps its lease for longer than any test: nobody else takes the batch before `passTime`.
beforeAll(async () => {
  const environment = {
    LEASE_SECONDS: '60',
    CHECK_SECONDS: String(CHECK_SECONDS),
    BATCH_SIZE: String(LEADS),
  };
  deployment = await deploy({ backend: queueBackends()[0]!, environment });
  ({ knex } = deployment.database);
});
afterAll(() => deployment.stop());

/** What a minute or two does to what nobody renews: leases, raised jobs, claimed questions, places at providers. */
async function passTime(): Promise<void> {
  const ago = `clock_timestamp() - interval '5 seconds'`;
  await execute(
    knex,
    `UPDATE batches SET lease_until = CASE WHEN lease_until IS NOT NULL THEN ${ago} END, raised_at = ${ago}
      WHERE completed_at IS NULL`,
  );
  await execute(knex, `UPDATE lookups SET expires_at = ${ago} WHERE state = 'asked'`);
  await freePlaces();
}

/** The places of the dead last as long as a lease: whoever comes next would wait for them. */
async function freePlaces(): Promise<void> {
  await execute(knex, `UPDATE provider_slots SET expires_at = clock_timestamp()`);
}

async function drain(): Promise<void> {
  await passTime();
  const worker = await deployment.startWorker({ LEASE_SECONDS: '3' });
  await untilPendingBelow(knex, 1);
  await worker.kill();
}

async function died({ child }: Process): Promise<void> {
  if (child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
}

interface Customer {
  tenant: Tenant;
  leadIds: string[];
  order: (apiUrl: string) => Promise<{ ids: string[]; charged: string | null }>;
}

async function createCustomer(leads = LEADS): Promise<Customer> {
  const tenant = await seedTenant(knex, { credits: CREDITS });
  const leadIds = await seedLeads(knex, leads);
  const body = { selection: { mode: 'manual', includedIds: leadIds }, field: 'emails' };
  return {
    tenant,
    leadIds,
    async order(apiUrl) {
      const client = new Client(apiUrl, tenant.apiKey);
      const headers = { 'idempotency-key': 'order-1' };
      const response = await client.call('POST', '/operations/enrichment/bulk', body, headers);
      const rows = (await response.json()) as EnrichmentView[];
      return { ids: rows.map(({ id }) => id), charged: response.headers.get('x-credits-charged') };
    },
  };
}

/** An API of its own that dies at the point, with the order of a new customer in its hands. */
async function orderAtDyingApi(point: FailPoint, customer: Customer): Promise<void> {
  const port = await findFreePort();
  const api = await deployment.startApi({ PORT: String(port), ...failingAt(point) });
  // After the commit the answer races with the end of the process: either may come.
  await customer.order(`http://127.0.0.1:${port}`).catch(() => undefined);
  await died(api);
}

async function countRows({ tenant }: Customer): Promise<number> {
  const rows = await query(knex, 'SELECT 1 FROM enrichments WHERE org_id = ?', [tenant.orgId]);
  return rows.length;
}

it('has an API that dies before its COMMIT do nothing, after it everything, and at any step of its relay leave batches that are due again within one check period', async () => {
  const relayed = { 'relay-after-claim': 0, 'relay-after-raise': 1, 'relay-during-add': 1 } as const;
  const points = ['api-before-commit', 'api-after-commit', ...Object.keys(relayed)] as FailPoint[];
  const customers: Customer[] = [];
  while (customers.length < points.length) customers.push(await createCustomer(2 * LEADS));
  await Promise.all(points.map((point, index) => orderAtDyingApi(point, customers[index]!)));
  expect(await Promise.all(customers.map(countRows))).toEqual([0, ...Array<number>(4).fill(2 * LEADS)]);
  const left = await query<{ orgId: string; generation: number; isDueInTime: boolean }>(
    knex,
    `SELECT org_id AS "orgId", generation,
            next_check_at <= clock_timestamp() + make_interval(secs => :checkSeconds) AS "isDueInTime"
       FROM batches WHERE completed_at IS NULL`,
    { checkSeconds: CHECK_SECONDS },
  );
  for (const [index, generation] of [0, ...Object.values(relayed)].entries()) {
    const { orgId } = customers[index + 1]!.tenant;
    const batch = { orgId, generation, isDueInTime: true };
    expect(left.filter((one) => one.orgId === orgId)).toEqual([batch, batch]);
  }
  for (const customer of customers) await expectOneAnswer(customer);
  await drain();
  for (const { tenant } of customers)
    settledOnce(await readOutcome(knex, tenant.orgId), { total: 2 * LEADS, price: 5, credits: CREDITS });
});

/** The same key gets one answer, whatever became of the first call, and one debit. */
async function expectOneAnswer({ tenant, order }: Customer): Promise<void> {
  const first = await order(deployment.apiUrl);
  expect(first.charged).toBe(String(2 * LEADS * 5));
  expect(await order(deployment.apiUrl)).toEqual(first);
  const kept = await query<{ id: string }>(knex, 'SELECT id FROM enrichments WHERE org_id = ?', [
    tenant.orgId,
  ]);
  expect(kept.map(({ id }) => id).sort()).toEqual([...first.ids].sort());
  expect(await new Client(deployment.apiUrl, tenant.apiKey).balance()).toBe(CREDITS - 2 * LEADS * 5);
}

/** What is left of an organisation's work: how far its questions and rows are, and how often one was taken over. */
async function readTraces({ tenant }: Customer) {
  const [traces] = await query<{ asked: number; answered: number; ended: number; repeats: number }>(
    knex,
    `SELECT count(DISTINCT l.id) FILTER (WHERE l.state = 'asked')::int AS asked,
            count(DISTINCT l.id) FILTER (WHERE l.state <> 'asked')::int AS answered,
            count(DISTINCT e.id) FILTER (WHERE e.status <> 'pending')::int AS ended,
            coalesce(max(l.repeats), 0)::int AS repeats
       FROM enrichments e LEFT JOIN attempts a ON a.enrichment_id = e.id LEFT JOIN lookups l ON l.id = a.lookup_id
      WHERE e.org_id = ?`,
    [tenant.orgId],
  );
  return traces!;
}

/** A worker that dies at the point with a new customer's batch in its hands. */
async function workAtDyingWorker(point: FailPoint, customer: Customer): Promise<void> {
  const worker = await deployment.startWorker(failingAt(point));
  await customer.order(deployment.apiUrl);
  await died(worker);
}

it('has what a worker leaves that dies at any point ended once, and asks again only what had no answer stored', async () => {
  const some = expect.any(Number) as number;
  const left = {
    'worker-after-lease': { asked: 0, answered: 0, ended: 0, repeats: 0 },
    'worker-after-ask': { asked: some, answered: 0, ended: 0, repeats: 0 },
    'worker-before-answer': { asked: some, answered: 0, ended: 0, repeats: 0 },
    'worker-after-answer': { asked: some, answered: some, ended: 0, repeats: 0 },
    'worker-after-settle': { asked: some, answered: some, ended: some, repeats: 0 },
  };
  const customers = new Map<string, Customer>();
  for (const [point, traces] of Object.entries(left)) {
    const customer = await createCustomer();
    customers.set(point, customer);
    await workAtDyingWorker(point as FailPoint, customer);
    await freePlaces();
    expect([point, await readTraces(customer)]).toEqual([point, traces]);
  }
  const traces = async (point: keyof typeof left) => readTraces(customers.get(point)!);
  expect((await traces('worker-after-ask')).asked).toBeGreaterThan(0);
  expect((await traces('worker-before-answer')).asked).toBeGreaterThan(0);
  expect((await traces('worker-after-answer')).answered).toBeGreaterThan(0);
  expect((await traces('worker-after-settle')).ended).toBeGreaterThan(0);
  await drain();
  for (const { tenant } of customers.values()) {
    const outcome = await readOutcome(knex, tenant.orgId);
    settledOnce(outcome, { total: LEADS, price: 5, credits: CREDITS });
    expect(outcome.broken).toBe(0);
  }
  expect((await traces('worker-after-lease')).repeats).toBe(0);
  expect((await traces('worker-after-ask')).repeats).toBe(1);
  expect((await traces('worker-before-answer')).repeats).toBe(1);
});

it('ends a lead as failed and refunded whose worker died three times, and lets no fourth have it', async () => {
  const customer = await createCustomer(1);
  for (let deaths = 0; deaths < 3; deaths++) {
    await passTime();
    await workAtDyingWorker('worker-after-lease', customer);
  }
  await drain();
  const rows = await query<{ status: string; error: string }>(
    knex,
    'SELECT status, error FROM enrichments WHERE org_id = ?',
    [customer.tenant.orgId],
  );
  expect(rows).toEqual([
    { status: 'failed', error: expect.stringContaining('broke off three times') as string },
  ]);
  settledOnce(await readOutcome(knex, customer.tenant.orgId), { total: 1, price: 5, credits: CREDITS });
});
