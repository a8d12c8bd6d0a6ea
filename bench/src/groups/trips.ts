import { saveOwnWaterfall } from '@leadwell/shared/repositories/organisation-waterfalls';
import { PEOPLE_A_CALL } from '../clients/provider-client';
import type { Backend, BenchContext } from '../context';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { acceptHeldBack, release, waitUntilDrained } from '../load/pending-work';
import { createTenants } from '../load/tenants';
import { atMost, counted } from '../measure';
import { startCountedWorker, type Counts } from '../servers/counted-worker';

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

async function count(context: BenchContext, backend: Backend): Promise<Measure[]> {
  const batches = context.sized({ full: 40, small: 4 });
  const together = await startDrains(context, backend, batches, {
    CHECK_SECONDS: String(context.sized({ full: 2, small: 0.1 })),
  });
  const few = await together('hunter', FEW);
  const many = await together('hunter', MANY);
  const inCallsOf50 = await together('prospeo', MANY);
  const fewInCallsOf50 = await together('prospeo', FEW);
  // Batches that end together share round trips, small ones more of them: what a lead costs shows where each is alone. A batch that waits
  // in the queue is asked for at every check, more often behind large ones.
  const alone = await startDrains(context, backend, batches, {
    WORKER_CONCURRENCY: '1',
    CHECK_SECONDS: String(context.sized({ full: 10, small: 0.1 })),
  });
  const queueTrips = {
    fewTogether: few.queueTrips / batches,
    manyTogether: many.queueTrips / batches,
    fewAlone: (await alone('hunter', FEW)).queueTrips / batches,
    manyAlone: (await alone('hunter', MANY)).queueTrips / batches,
  };
  const beyond = [
    ['one lead a call', many.calls - batches * MANY],
    ['calls of 50, full batches', inCallsOf50.calls - Math.ceil((batches * MANY) / PEOPLE_A_CALL)],
    [`calls of 50, batches of ${FEW}`, fewInCallsOf50.calls - Math.ceil((batches * FEW) / PEOPLE_A_CALL)],
  ] as const;
  const named = namer(backend);
  return [
    ...reportQueue(named, queueTrips),
    ...reportStatements(named, batches, few, many),
    ...beyond.map(([what, calls]) => counted(named(`calls beyond the necessary, ${what}`, 'calls'), calls)),
  ];
}

/** A worker of its own, and what drains so many batches of a size through it and tells what that took. */
async function startDrains(
  context: BenchContext,
  backend: Backend,
  batches: number,
  settings: Readonly<Record<string, string>>,
): Promise<(provider: Provider, size: number) => Promise<Counts>> {
  const database = await context.createDatabase();
  const supply = new LeadSupply(await loadLeads(database, 2 * batches * (FEW + MANY)));
  const client = await database.connect();
  const counter = await startCountedWorker(context, { backend, database, settings });
  return async (provider, size) => {
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
}

type Provider = 'hunter' | 'prospeo';

type Named = (what: string, unit: string) => { name: string; unit: string };

function namer(backend: Backend): Named {
  return (what, unit) => ({ name: `trips: ${backend.name}, ${what}`, unit });
}

/** Round trips to the queue for a batch, of each size: many batches at work at a time, or one. */
interface QueueTrips {
  fewTogether: number;
  manyTogether: number;
  fewAlone: number;
  manyAlone: number;
}

function reportQueue(named: Named, trips: QueueTrips): Measure[] {
  const perBatch = (what: string): ReturnType<Named> =>
    named(`queue round trips for a batch of ${what}`, 'round trips');
  return [
    counted(perBatch(`${MANY}`), trips.manyTogether),
    counted(perBatch(`${FEW}, which shares more of them`), trips.fewTogether),
    counted(perBatch(`${MANY}, one at a time`), trips.manyAlone),
    atMost(
      named('queue round trips for each lead more, one batch at a time', 'round trips'),
      (trips.manyAlone - trips.fewAlone) / (MANY - FEW),
      NO_TRIP,
    ),
  ];
}

function reportStatements(named: Named, batches: number, few: Counts, many: Counts): Measure[] {
  const note = `${batches} batches of ${MANY} leads and of ${FEW}`;
  return [
    counted(
      named('statements of a settled group, its BEGIN and COMMIT with them', 'statements'),
      many.settleStatements,
    ),
    atMost(
      { ...named('statements of a settled group, for each lead more', 'statements'), note },
      (many.settleStatements - few.settleStatements) / (GROUP - FEW),
      0,
    ),
    counted(
      { ...named('statements for a lead, one lead a call, in all', 'statements'), note },
      many.statements / (batches * MANY),
    ),
  ];
}
