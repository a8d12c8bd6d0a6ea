/** Providers that break, lie, hang and flood: every lead ends once, what is not found is refunded, and nothing unclean is stored. */
import { query } from '@leadwell/shared/db/database';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant } from './support/seed';
import { readFileSync } from 'node:fs';

jest.setTimeout(90_000);

const CREDITS = 100_000;
let deployment: Deployment;
beforeEach(async () => {
  deployment = await deploy({ backend: queueBackends()[0]!, sandbox: { pace: 100 } });
});
afterEach(() => deployment.stop());

const HOSTILE = [
  'html',
  'cut_json',
  'cut_body',
  'empty',
  'wrong_types',
  'masked',
  'missing_items',
  'huge',
  'gzip_bomb',
  'redirect',
  'reset_after_answer',
  'bad_gateway',
] as const;

/** Resident memory in MB. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

it('ends and refunds what hostile answers leave, stores nothing unclean, and does not grow', async () => {
  const { knex } = deployment.database;
  const tenant = await seedTenant(knex, { credits: CREDITS });
  const client = new Client(deployment.apiUrl, tenant.apiKey);
  const worker = await deployment.startWorker();
  await client.enrich(await seedLeads(knex, 20), 'emails');
  await untilPendingBelow(knex, 1);
  const before = memoryOf(worker.child.pid as number);
  for (const kind of HOSTILE) deployment.sandbox.addFault({ kind, rate: 0.15, bytes: 50_000_000 });
  await client.enrich(await seedLeads(knex, 300), 'emails');
  await client.enrich(await seedLeads(knex, 150), 'phones');
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, memoryOf(worker.child.pid as number))), 50);
  await untilPendingBelow(knex, 1, 60_000).finally(() => clearInterval(watch));
  const outcome = await readOutcome(knex, tenant.orgId);
  expect(outcome).toMatchObject({
    total: 470,
    refunded: 470 - outcome.found,
    openBatches: 0,
    violations: [],
  });
  const values = await query<{ value: string }>(knex, 'SELECT value FROM lead_values');
  expect(values.filter(({ value }) => !/^(\+\d{6,15}|[^\s*•@]+@[^\s*•@]+\.[a-z]+)$/.test(value))).toEqual([]);
  const open = await query(knex, `SELECT 1 FROM lookups WHERE state = 'asked'`);
  expect(open).toEqual([]);
  process.stderr.write(`memory ${Math.round(before)} MB before, ${Math.round(peak)} MB at most\n`);
  expect(peak - before).toBeLessThan(150);
});

it('does not let one provider that hangs keep a lead from its end', async () => {
  const { knex } = deployment.database;
  const tenant = await seedTenant(knex, { credits: CREDITS });
  const client = new Client(deployment.apiUrl, tenant.apiKey);
  deployment.sandbox.addFault({ kind: 'hang', provider: 'hunter' });
  await deployment.startWorker();
  await client.enrich(await seedLeads(knex, 30), 'emails');
  await untilPendingBelow(knex, 1, 60_000);
  settledOnce(await readOutcome(knex, tenant.orgId), { total: 30, price: 5, credits: CREDITS });
});
