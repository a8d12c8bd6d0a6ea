import { setTimeout as delay } from 'node:timers/promises';
import type { LocalProcess } from '@leadwell/cli/local/child-process';
import { audit } from '@leadwell/shared/ledger/audit';
import { query, type Bindings } from '@leadwell/shared/db/database';
import { ApiClient } from '../clients/api-client';
import type { Backend, BenchContext } from '../context';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants, type Tenant } from '../load/tenants';
import { atLeast, atMost, counted } from '../measure';
import type { BenchDatabase } from '../servers/bench-database';
import type { Deployment } from '../servers/deployment';
import { readUsage, usageBetween, type Usage } from '../servers/usage';
import { median } from '../statistics';

const WORKERS = 4;
const ORGANISATIONS = 6;
const CALLS_PER_SECOND = 200;
/** Providers take their time: fifty calls are in flight at 200 a second, and as many again wait for their time to leave. */
const LATENCY_MS = { min: 100, max: 400 };
const CONCURRENT = 400;
const LOOK_EVERY_MS = 250;
const STOP_MS = 20_000;
const DRAIN_AT_MOST_MS = 180_000;

export const limitsGroup: Group = {
  name: 'limits',
  purpose: `${WORKERS} workers that share one provider's limit of ${CALLS_PER_SECOND} calls a second, which the sandbox enforces`,
  async run(context) {
    const measures: Measure[] = [];
    for (const backend of context.backends) measures.push(...(await measureBackend(context, backend)));
    return measures;
  },
};

interface Setting {
  context: BenchContext;
  database: BenchDatabase;
  deployment: Deployment;
  workers: readonly LocalProcess[];
  supply: LeadSupply;
}

/** What one drain came to. */
interface Drain {
  /** Time from before the first order to the last ending, by the least that the limit allows. */
  toIdeal: number;
  /** Of the calls that arrived. */
  refusedShare: number;
  /** Of the calls that arrived: those that came up to 50 ms too early, as the sandbox saw them. */
  toleratedShare: number;
  /** Calls that arrived beyond one for each lead. */
  excessCalls: number;
  /** Questions that the provider answered again. */
  repeatedAnswers: number;
  /** The most calls that arrived in any second. */
  peakArrived: number;
  /** Of the limit, between the first and the last tenth of the answers. */
  usedShare: number;
  calls: number;
  usage: Usage;
}

async function measureBackend(context: BenchContext, backend: Backend): Promise<Measure[]> {
  const rounds = context.sized({ full: 5, small: 1 });
  const leads = context.sized({ full: 6000, small: 120 });
  const warmUpLeads = context.sized({ full: 1200, small: 60 });
  const database = await context.createDatabase();
  context.say(`${backend.name}: loading leads`);
  const supply = new LeadSupply(await loadLeads(database, warmUpLeads + rounds * leads));
  const provider = {
    name: 'hunter',
    concurrent: CONCURRENT,
    limits: [{ calls: CALLS_PER_SECOND, perSeconds: 1 }],
  } as const;
  const deployment = await context.deploy({ database, backend, provider });
  await deployment.sandbox.setLatency(LATENCY_MS.min, LATENCY_MS.max);
  await deployment.sandbox.allowCalls('hunter', CALLS_PER_SECOND);
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => deployment.startWorker()));
  const setting = { context, database, deployment, workers, supply };
  const drains: Drain[] = [];
  for (let round = 0; round <= rounds; round++) {
    context.say(`${backend.name}: ${round === 0 ? 'warming up' : `drain ${round} of ${rounds}`}`);
    const drained = await drain(setting, round === 0 ? warmUpLeads : leads);
    const { toIdeal, usedShare } = drained;
    context.say(`${backend.name}: ${toIdeal.toFixed(3)} × the ideal, ${(100 * usedShare).toFixed(1)} % used`);
    if (round > 0) drains.push(drained);
  }
  for (const started of [...workers, deployment.api]) await started.stop(STOP_MS);
  await checkOutcome(database);
  return toMeasures(backend, leads, drains);
}

/** The provider's window is empty at the start of a drain: the one before it ended more than a second ago. */
const WINDOW_EMPTIES_MS = 1_500;

async function drain(setting: Setting, leads: number): Promise<Drain> {
  const { database, deployment } = setting;
  const { sandbox, api } = deployment;
  await delay(WINDOW_EMPTIES_MS);
  await sandbox.reset();
  const kinds = { workers: setting.workers, API: [api], sandbox: [sandbox.process] };
  const before = await readUsage(database, kinds);
  const times = await orderAndWait(setting, leads);
  const usage = usageBetween(before, await readUsage(database, kinds));
  const [account] = (await sandbox.stats()).accounts;
  if (!account) throw new Error('The provider was not asked.');
  const { calls, refusals, questions, tolerated, windows } = account;
  return {
    toIdeal: times.seconds / (leads / CALLS_PER_SECOND),
    refusedShare: refusals.rate / calls,
    toleratedShare: tolerated / calls,
    excessCalls: calls - refusals.rate - leads,
    repeatedAnswers: questions.repeated,
    peakArrived: windows[0]?.peakArrived ?? 0,
    usedShare: (0.8 * leads) / times.middleSeconds / CALLS_PER_SECOND,
    calls,
    usage,
  };
}

/** Speed is worth nothing where a refusal has cost a lead its answer, or a tenant a credit: then the group fails. */
async function checkOutcome(database: BenchDatabase): Promise<void> {
  const failed = await query<{ error: string; leads: number }>(database.knex, FAILED_SQL);
  if (failed.length > 0) throw new Error(`Leads were not answered: ${JSON.stringify(failed)}`);
  const { ok, invariants } = await audit(database.knex);
  if (!ok) throw new Error(`The books are wrong: ${JSON.stringify(invariants)}`);
}

/** One person in a hundred does not want to be found: the sandbox says so, and nobody is asked again. */
const FAILED_SQL = `
  SELECT error, count(*) AS leads FROM enrichments
   WHERE status NOT IN ('finished') AND error NOT LIKE '%may not give data about this person%'
   GROUP BY error LIMIT 5`;

interface DrainTimes {
  /** From before the first order until the last ending, by PostgreSQL's clock. */
  seconds: number;
  /** Between the first tenth of the answers and the last. */
  middleSeconds: number;
}

/** As many organisations as orders, so that they have to take turns; all order at once. */
async function orderAndWait({ database, deployment, supply }: Setting, leads: number): Promise<DrainTimes> {
  const tenants = await createTenants(database, ORGANISATIONS);
  const orders = tenants.map((tenant) => ({ tenant, leadIds: supply.take(leads / ORGANISATIONS) }));
  const { now } = await readOne<{ now: string }>(database, 'SELECT clock_timestamp()::text AS now');
  await Promise.all(orders.map(({ tenant, leadIds }) => order(deployment.apiUrl, tenant, leadIds)));
  await waitUntilDrained(database);
  return readOne<DrainTimes>(database, TIMES_SQL, { now, orgIds: tenants.map(({ orgId }) => orgId) });
}

/** Looks seldom: what is measured has the same two cores. The database knows when it was done. */
async function waitUntilDrained(database: BenchDatabase): Promise<void> {
  const untilMs = performance.now() + DRAIN_AT_MOST_MS;
  while (!(await readOne<{ done: boolean }>(database, DONE_SQL)).done) {
    if (performance.now() > untilMs) throw new Error(`Not drained within ${DRAIN_AT_MOST_MS / 1000} s.`);
    await delay(LOOK_EVERY_MS);
  }
}

async function order(apiUrl: string, { apiKey }: Tenant, leadIds: readonly string[]): Promise<void> {
  const api = new ApiClient(apiUrl, apiKey);
  await api.enrich(leadIds);
  api.close();
}

const DONE_SQL = 'SELECT NOT EXISTS (SELECT FROM batches WHERE completed_at IS NULL) AS done';

const TIMES_SQL = `
  SELECT extract(epoch FROM max(e.ended_at) - :now::timestamptz)::float8 AS seconds,
         extract(epoch FROM percentile_disc(0.9) WITHIN GROUP (ORDER BY a.ended_at)
                          - percentile_disc(0.1) WITHIN GROUP (ORDER BY a.ended_at))::float8 AS "middleSeconds"
    FROM enrichments e LEFT JOIN attempts a ON a.enrichment_id = e.id
   WHERE e.org_id = ANY(:orgIds::uuid[])`;

async function readOne<Row>(database: BenchDatabase, sql: string, bindings: Bindings = []): Promise<Row> {
  const [row] = await query<Row>(database.knex, sql, bindings);
  return row as Row;
}

function toMeasures({ name }: Backend, leads: number, drains: readonly Drain[]): Measure[] {
  const middle = (pick: (drained: Drain) => number): number => median(drains.map(pick));
  const of = (what: string, unit: string): { name: string; unit: string } => ({
    name: `limits: ${name}, ${what}`,
    unit,
  });
  const costs = Object.keys(drains[0]?.usage.cpuSeconds ?? {}).map((kind) =>
    counted(
      of(`core time a call, ${kind}`, 'ms'),
      middle(({ usage, calls }) => ((usage.cpuSeconds[kind] ?? 0) * 1000) / calls),
    ),
  );
  return [
    atMost(
      of(`${leads} leads, to the ideal`, '×'),
      middle(({ toIdeal }) => toIdeal),
      1.05,
    ),
    atLeast(of('of the limit used', '%'), 100 * middle(({ usedShare }) => usedShare), 95),
    atMost(of('calls refused', '%'), 100 * middle(({ refusedShare }) => refusedShare), 0.1),
    counted(of('calls up to 50 ms early, let in', '%'), 100 * middle(({ toleratedShare }) => toleratedShare)),
    counted(
      of('the most calls of any second', 'calls'),
      middle(({ peakArrived }) => peakArrived),
    ),
    atMost(
      of('calls beyond one a lead, refused ones left out', 'calls'),
      middle(({ excessCalls }) => excessCalls),
      0,
    ),
    counted(
      of('commits a call', 'commits'),
      middle(({ usage, calls }) => usage.commits / calls),
    ),
    ...costs,
  ];
}
