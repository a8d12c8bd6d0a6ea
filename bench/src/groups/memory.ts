import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { residentMb } from '../clients/process-memory';
import type { BenchContext } from '../context';
import type { Group, Measure } from '../group';
import { loadLeads } from '../load/leads';
import { acceptHeldBack, release } from '../load/pending-work';
import { createTenants } from '../load/tenants';
import { atMost } from '../measure';
import { slopeOf } from '../statistics';

const LEADS_AN_ORGANISATION = 100_000;
/** As many are accepted at a time, and the next when fewer than these are left. */
const CHUNK = 20_000;
const BATCH_SIZE = 50;
const PER_LEADS = 100_000;
/** What a fit through a collected heap's ups and downs shows of a level line. */
const LEVEL_MB = 1;

export const memoryGroup: Group = {
  name: 'memory',
  purpose: 'what one worker holds while it drains a million leads, in calls of 50',
  async run(context) {
    const leads = context.sized({ full: 1_000_000, small: 400 });
    const untilMs = performance.now() + context.sized({ full: 8, small: 1 }) * 60_000;
    const { client, accept, pid } = await startDrain(context, leads);
    const points: { x: number; y: number }[] = [];
    for (let drained = 0, accepted = 0; drained < leads && performance.now() < untilMs;) {
      if (accepted < leads && accepted - drained < CHUNK) accepted += await accept();
      drained = accepted - (await countOpen(client));
      points.push({ x: drained, y: residentMb(pid) });
      if (points.length % 60 === 0) context.say(`${drained} leads, ${points.at(-1)?.y.toFixed(0)} MB`);
      await delay(context.sized({ full: 1000, small: 50 }));
    }
    return report(points, leads);
  },
};

/** One worker, and a supply of accepted leads: the same for every organisation, each of which asks for itself. */
async function startDrain(context: BenchContext, leads: number) {
  const chunk = Math.min(CHUNK, leads);
  const database = await context.createDatabase();
  context.say('loading leads');
  const leadIds = await loadLeads(database, Math.min(LEADS_AN_ORGANISATION, leads));
  const client = await database.connect();
  const [backend] = [...context.backends].reverse();
  const deployment = await context.deployWorkers({
    database,
    backend: backend ?? context.backends[0],
    provider: { name: 'prospeo' },
    settings: { SHARE_RESULTS: 'off', CHECK_SECONDS: String(context.sized({ full: 2, small: 0.1 })) },
  });
  const { pid = 0 } = await deployment.startWorker();
  let next = 0;
  let [tenant] = await createTenants(database, 1);
  const accept = async (): Promise<number> => {
    if (next >= leadIds.length) [next, [tenant]] = [0, await createTenants(database, 1)];
    if (!tenant) throw new Error('There is no tenant.');
    await acceptHeldBack(client, tenant, leadIds.slice(next, next + chunk));
    await release(client);
    next += chunk;
    return chunk;
  };
  return { client, accept, pid };
}

async function countOpen(client: Client): Promise<number> {
  const { rows } = await client.query<{ open: number }>(
    'SELECT count(*)::int AS open FROM batches WHERE completed_at IS NULL',
  );
  return (rows[0]?.open ?? 0) * BATCH_SIZE;
}

function report(points: readonly { x: number; y: number }[], leads: number): Measure[] {
  const drained = points.at(-1)?.x ?? 0;
  const lastHalf = points.filter(({ x }) => x >= drained / 2);
  const note = `${drained} of ${leads} leads${drained < leads ? ', then the time was over' : ''}`;
  const range = `${Math.min(...lastHalf.map(({ y }) => y)).toFixed(0)}–${Math.max(...lastHalf.map(({ y }) => y)).toFixed(0)} MB`;
  return [
    atMost(
      {
        name: 'memory: worker, growth over the last half',
        unit: 'MB per 100,000 leads',
        note: `${note}; ${range}`,
      },
      slopeOf(lastHalf) * PER_LEADS,
      LEVEL_MB,
    ),
    atMost({ name: 'memory: worker, most', unit: 'MB', note }, Math.max(...points.map(({ y }) => y)), 200),
  ];
}
