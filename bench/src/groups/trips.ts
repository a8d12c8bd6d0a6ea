import { saveOwnWaterfall } from '@leadwell/shared/repositories/organisation-waterfalls';
import { PEOPLE_A_CALL } from '../clients/provider-client';
import type { Backend, BenchContext } from '../context';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { acceptHeldBack, release, waitUntilDrained } from '../load/pending-work';
import { createTenants } from '../load/tenants';
import { atMost, counted } from '../measure';
import { startCountingProxy, type CountedConnection } from '../servers/counting-proxy';
import type { BenchDatabase } from '../servers/bench-database';

/** Two sizes of batches: what the larger takes more is what leads cost. */
const [FEW, MANY] = [5, 50] as const;
/** Settled groups hold as many at most. */
const GROUP = 25;
/** Less than one for a whole batch: what comes by the clock falls on one of the two sizes. */
const NO_TRIP = 1 / MANY;

export const tripsGroup: Group = {
  name: 'trips',
  purpose: 'what a worker asks of queue, database and providers, counted on the wire',
  async run(context) {
    const measures: Measure[] = [];
    const backends = context.backends.slice(0, context.sized({ full: 2, small: 1 }));
    for (const backend of backends) measures.push(...(await count(context, backend)));
    return measures;
  },
};

interface Counts {
  /** Of BullMQ's connections. */
  queueTrips: number;
  /** Of everything else that the worker did. */
  statements: number;
  /** Of the largest settle. */
  settleStatements: number;
  calls: number;
}

async function count(context: BenchContext, backend: Backend): Promise<Measure[]> {
  const batches = context.sized({ full: 40, small: 4 });
  const database = await context.createDatabase();
  const supply = new LeadSupply(await loadLeads(database, 2 * batches * (FEW + MANY)));
  const client = await database.connect();
  const counter = await startCounted(context, backend, database);
  const drain = async (provider: Provider, size: number): Promise<Counts> => {
    const [tenant] = await createTenants(database, 1);
    if (!tenant) throw new Error('There is no tenant.');
    await saveOwnWaterfall(database.knex, { orgId: tenant.orgId, field: 'emails', providers: [provider] });
    await acceptHeldBack(client, tenant, supply.take(batches * size), size);
    await client.query('ANALYZE');
    await counter.reset();
    await release(client);
    await waitUntilDrained(client, [tenant]);
    return counter.read();
  };
  const few = await drain('hunter', FEW);
  const many = await drain('hunter', MANY);
  const inCallsOf50 = await drain('prospeo', MANY);
  const fewInCallsOf50 = await drain('prospeo', FEW);
  const beyond = [
    ['one lead a call', many.calls - batches * MANY],
    ['calls of 50, full batches', inCallsOf50.calls - Math.ceil((batches * MANY) / PEOPLE_A_CALL)],
    [`calls of 50, batches of ${FEW}`, fewInCallsOf50.calls - Math.ceil((batches * FEW) / PEOPLE_A_CALL)],
  ] as const;
  return [
    ...report(backend, batches, few, many),
    ...beyond.map(([what, calls]) =>
      counted({ name: `trips: ${backend.name}, calls beyond the necessary, ${what}`, unit: 'calls' }, calls),
    ),
  ];
}

type Provider = 'hunter' | 'prospeo';

/** One worker, which reaches its database and its queue through counters. */
async function startCounted(context: BenchContext, backend: Backend, database: BenchDatabase) {
  const toDatabase = await startCountingProxy(database.url);
  const toRedis = backend.redisUrl === undefined ? undefined : await startCountingProxy(backend.redisUrl);
  const proxies = [toDatabase, ...(toRedis ? [toRedis] : [])];
  for (const proxy of proxies) context.onEnd('counting proxy', () => proxy.close());
  const deployment = await context.deployWorkers({
    database: { ...database, url: toDatabase.url },
    backend: { name: backend.name, redisUrl: toRedis?.url },
    settings: { CHECK_SECONDS: String(context.sized({ full: 2, small: 0.1 })) },
  });
  await deployment.startWorker();
  const { sandbox } = deployment;
  return {
    async reset() {
      for (const proxy of proxies) proxy.reset();
      await sandbox.reset();
    },
    async read(): Promise<Counts> {
      const { accounts } = await sandbox.stats();
      const calls = accounts.reduce((sum, account) => sum + account.calls, 0);
      return { ...countConnections(proxies.flatMap(({ connections }) => connections)), calls };
    },
  };
}

/** BullMQ's connections to PostgreSQL do not call themselves as the worker's pool does. */
const POOL = 'leadwell-worker';

function countConnections(connections: readonly CountedConnection[]): Omit<Counts, 'calls'> {
  const ofPool = connections.filter(({ applicationName }) => applicationName === POOL);
  const ofQueue = connections.filter(({ applicationName }) => applicationName !== POOL);
  return {
    queueTrips: ofQueue.reduce((sum, { roundTrips }) => sum + roundTrips, 0),
    statements: ofPool.reduce((sum, { statements }) => sum + statements.length, 0),
    settleStatements: Math.max(...ofPool.flatMap(({ statements }) => settleSizes(statements))),
  };
}

/** The numbers of statements of the transactions that end enrichments. */
function settleSizes(statements: readonly string[]): number[] {
  const begins = statements.flatMap((text, index) => (/^BEGIN\b/i.test(text) ? [index] : []));
  const transactions = begins.map((begin) => {
    const length = statements.slice(begin).findIndex((text) => /^(COMMIT|ROLLBACK)\b/i.test(text)) + 1;
    return statements.slice(begin, begin + length);
  });
  return transactions
    .filter((texts) => texts.some((text) => text.includes('UPDATE enrichments')))
    .map((texts) => texts.length);
}

function report(backend: Backend, batches: number, few: Counts, many: Counts): Measure[] {
  const name = (what: string): string => `trips: ${backend.name}, ${what}`;
  const perBatch = many.queueTrips / batches;
  const perLead = (perBatch - few.queueTrips / batches) / (MANY - FEW);
  const note = `${batches} batches of ${MANY} leads and of ${FEW}`;
  return [
    counted({ name: name(`queue round trips for a batch of ${MANY}`), unit: 'round trips', note }, perBatch),
    atMost(
      { name: name('queue round trips for each lead more'), unit: 'round trips', note },
      perLead,
      NO_TRIP,
    ),
    counted(
      { name: name('statements of a settled group, its BEGIN and COMMIT with them'), unit: 'statements' },
      many.settleStatements,
    ),
    atMost(
      { name: name('statements of a settled group, for each lead more'), unit: 'statements', note },
      (many.settleStatements - few.settleStatements) / (GROUP - FEW),
      0,
    ),
    counted(
      { name: name('statements for a lead, one lead a call, in all'), unit: 'statements', note },
      many.statements / (batches * MANY),
    ),
  ];
}
