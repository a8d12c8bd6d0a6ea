import { cpus } from 'node:os';
import { watchCores } from '../clients/busy-cores';
import type { BenchContext } from '../context';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { acceptHeldBack, release, waitUntilDrained } from '../load/pending-work';
import { createTenants } from '../load/tenants';
import { atLeast, counted } from '../measure';
import { interleave, type Contender } from '../rounds';
import type { SandboxControl } from '../servers/sandbox-control';
import { ratioOf, median } from '../statistics';

const LATENCY_MS = 200;
const CALLS_A_WORKER = 50;
const ORGANISATIONS = 4;
const TARGET = 0.95;
/** From here on the machine, not the service, says how much more another worker does. */
const SPENT_SHARE = 0.9;

export const workersGroup: Group = {
  name: 'workers',
  purpose: `one, two and four workers, ${CALLS_A_WORKER} calls in flight each, ${LATENCY_MS} ms of provider latency`,
  async run(context) {
    const counts = context.sized({ full: 4, small: 2 }) === 4 ? [1, 2, 4] : [1, 2];
    const sandbox = await context.startSandbox(LATENCY_MS);
    const fleets = await Promise.all(counts.map((count) => startFleet(context, sandbox, count)));
    const contenders = Object.fromEntries(fleets.map(({ count, drain }) => [String(count), drain]));
    const rounds = context.sized({ full: 3, small: 1 });
    const samples = await interleave(contenders, { rounds, say: (text) => context.say(text) });
    const one = samples['1'] ?? [];
    return fleets.map(({ count, coresBusy }) => report(count, samples[String(count)] ?? [], one, coresBusy));
  },
};

/**
 * So many workers and their own database. A round takes as long for each: every worker has as many leads. Long enough that the first and
 * the last half second, in which not all calls are in flight, do not say how much more another worker does.
 */
async function startFleet(context: BenchContext, sandbox: SandboxControl, count: number) {
  const seconds = context.sized({ full: 20, small: 0.4 });
  const leads = Math.round((count * CALLS_A_WORKER * seconds * 1000) / LATENCY_MS / ORGANISATIONS);
  const rounds = context.sized({ full: 4, small: 2 });
  const database = await context.createDatabase();
  const supply = new LeadSupply(await loadLeads(database, rounds * leads * ORGANISATIONS));
  const client = await database.connect();
  const provider = { name: 'hunter', concurrent: CALLS_A_WORKER * count } as const;
  const [backend] = [...context.backends].reverse();
  const settings = { CHECK_SECONDS: String(context.sized({ full: 2, small: 0.1 })) };
  const deployment = await context.deployWorkers({
    ...{ database, sandbox, provider, settings },
    backend: backend ?? context.backends[0],
  });
  await Promise.all(Array.from({ length: count }, () => deployment.startWorker()));
  const coresBusy: number[] = [];
  const drain: Contender = async (round) => {
    const tenants = await createTenants(database, ORGANISATIONS);
    for (const tenant of tenants) await acceptHeldBack(client, tenant, supply.take(leads));
    await client.query('ANALYZE');
    await release(client);
    const busy = watchCores();
    const drained = await waitUntilDrained(client, tenants);
    if (round > 0) coresBusy.push(busy());
    return drained.leads / drained.seconds;
  };
  return { count, drain, coresBusy };
}

function report(
  count: number,
  samples: readonly number[],
  one: readonly number[],
  coresBusy: readonly number[],
): Measure {
  const ratio = ratioOf(samples, one);
  const [busy, cores] = [median(coresBusy), cpus().length];
  const ideal = (count * CALLS_A_WORKER * 1000) / LATENCY_MS;
  const told = `${ratio.measured.toFixed(0)} of ${ideal} leads/s; ${busy.toFixed(1)} of ${cores} cores busy`;
  if (count === 1) {
    const name = 'workers: one worker, to what its calls in flight allow';
    return counted({ name, unit: '×', note: told }, ratio.measured / ideal);
  }
  const isSpent = busy >= SPENT_SHARE * cores;
  const note = `${told}${isSpent ? ': spent, so the target does not hold here' : ''}`;
  const labels = { name: `workers: ${count} workers, to ${count} × one`, unit: '×', note };
  const value = ratio.value / count;
  return isSpent && value < TARGET ? counted(labels, value) : atLeast(labels, value, TARGET);
}
