import { setTimeout as delay } from 'node:timers/promises';
import { audit } from '@leadwell/shared/ledger/audit';
import { query } from '@leadwell/shared/db/database';
import { ApiClient } from '../clients/api-client';
import type { BenchContext } from '../context';
import type { Group } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants } from '../load/tenants';
import { atLeast, atMost, counted } from '../measure';
import type { BenchDatabase } from '../servers/bench-database';
import type { SandboxControl } from '../servers/sandbox-control';

/** So few that two cores have time to spare: what is missing is lost by us. */
const CALLS_A_SECOND = 50;
const ORDER = 1000;

export const outageGroup: Group = {
  name: 'outage',
  purpose: `a provider of ${CALLS_A_SECOND} calls a second while the one before it in the waterfall answers 500 to everything`,
  async run(context) {
    const healthySeconds = context.sized({ full: 60, small: 2 });
    const outageSeconds = context.sized({ full: 300, small: 3 });
    const { database, sandbox } = await startFlood(context, healthySeconds + outageSeconds);
    context.say('both healthy');
    const healthy = await measurePace(sandbox, healthySeconds);
    context.say('the first is down');
    await sandbox.addFault('hunter', '500');
    const outage = await measurePace(sandbox, outageSeconds);
    const { calls, questions } = await readFailures(database, sandbox);
    const of = (name: string, unit: string, note?: string) => ({ name: `outage: ${name}`, unit, note });
    const percent = (pace: number): string => `${((100 * pace) / CALLS_A_SECOND).toFixed(1)} %`;
    const note = `of its limit ${percent(healthy)} before, ${percent(outage)} during ${outageSeconds} s`;
    return [
      atLeast(of('pace of the healthy provider, of that before', '%', note), (100 * outage) / healthy, 95),
      atMost(
        of('calls of the failing one, for each question asked', '×', `${calls} calls`),
        calls / questions,
        1.1,
      ),
      counted(of('calls of the failing one', 'calls'), calls),
    ];
  },
};

/** One worker, with more accepted leads than it can ask about in so many seconds, and a moment to begin. */
async function startFlood(
  context: BenchContext,
  seconds: number,
): Promise<{ database: BenchDatabase; sandbox: SandboxControl }> {
  // The first provider answers half of them while it is healthy.
  const leads = Math.ceil((2.5 * seconds * CALLS_A_SECOND) / ORDER) * ORDER;
  const database = await context.createDatabase();
  const supply = new LeadSupply(await loadLeads(database, leads));
  const [tenant] = await createTenants(database, 1);
  const [backend = context.backends[0]] = [...context.backends].reverse();
  const limits = [{ calls: CALLS_A_SECOND, perSeconds: 1 }];
  const deployment = await context.deploy({
    database,
    backend,
    provider: { name: 'hunter', limits: [{ calls: 4 * CALLS_A_SECOND, perSeconds: 1 }] },
    nextProvider: { name: 'findymail', limits },
  });
  const client = new ApiClient(deployment.apiUrl, tenant?.apiKey ?? '');
  context.onEnd('client', () => Promise.resolve(client.close()));
  for (let ordered = 0; ordered < leads; ordered += ORDER) await client.enrich(supply.take(ORDER));
  await deployment.startWorker();
  await delay(context.sized({ full: 10_000, small: 3_000 }));
  return { database, sandbox: deployment.sandbox };
}

/** Calls a second of the second provider. */
async function measurePace(sandbox: SandboxControl, seconds: number): Promise<number> {
  const look = async () => ({ atMs: performance.now(), calls: await countCalls(sandbox, 'findymail') });
  const before = await look();
  await delay(seconds * 1000);
  const after = await look();
  return (1000 * (after.calls - before.calls)) / (after.atMs - before.atMs);
}

async function countCalls(sandbox: SandboxControl, provider: string): Promise<number> {
  return (await sandbox.stats()).accounts.find((account) => account.provider === provider)?.calls ?? 0;
}

/** What was asked of the failing provider, and how often; the books must be right, whatever its pace. */
async function readFailures(
  database: BenchDatabase,
  sandbox: SandboxControl,
): Promise<{ calls: number; questions: number }> {
  const { ok, invariants } = await audit(database.knex);
  if (!ok) throw new Error(`The books are wrong: ${JSON.stringify(invariants)}`);
  const hunter = (await sandbox.stats()).accounts.find(({ provider }) => provider === 'hunter');
  const [failed] = await query<{ questions: number }>(
    database.knex,
    `SELECT count(*) AS questions FROM lookups WHERE provider = 'hunter' AND state = 'failed'`,
  );
  return { calls: hunter?.faults['500'] ?? 0, questions: failed?.questions ?? 0 };
}
