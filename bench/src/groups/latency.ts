import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../clients/api-client';
import { waitUntilEnded } from '../clients/end-watch';
import type { Backend, BenchContext } from '../context';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants } from '../load/tenants';
import { atMost } from '../measure';
import { timeMs } from '../rounds';
import type { SandboxControl } from '../servers/sandbox-control';
import { percentile } from '../statistics';

/** Milliseconds, by where the queue is. */
const TARGETS: Record<Backend['name'], { p50: number; p99: number }> = {
  redis: { p50: 40, p99: 150 },
  postgresql: { p50: 80, p99: 250 },
};
const PAUSE_AT_MOST_MS = 50;

export const latencyGroup: Group = {
  name: 'latency',
  purpose: 'from before the POST of one lead until it has ended, no provider latency, one after the other',
  async run(context) {
    const rounds = context.sized({ full: 5, small: 1 });
    const orders = context.sized({ full: 100, small: 10 });
    const sandbox = await context.startSandbox();
    const services = await Promise.all(
      context.backends.map((backend) => startService(context, sandbox, backend, (rounds + 1) * orders)),
    );
    for (let round = 0; round <= rounds; round++) {
      context.say(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
      for (const { order, samples } of services) {
        if (round === 1) samples.length = 0;
        for (let i = 0; i < orders; i++) samples.push(await order());
      }
    }
    return services.flatMap(({ name, samples }) => measuresOf(name, samples));
  },
};

async function startService(context: BenchContext, sandbox: SandboxControl, backend: Backend, leads: number) {
  const database = await context.createDatabase();
  const supply = new LeadSupply(await loadLeads(database, leads));
  const [tenant] = await createTenants(database, 1);
  if (!tenant) throw new Error('There is no tenant.');
  const deployment = await context.deploy({ database, backend, sandbox });
  await deployment.startWorker();
  const [api, client] = [new ApiClient(deployment.apiUrl, tenant.apiKey), await database.connect()];
  context.onEnd('client', () => Promise.resolve(api.close()));
  const order = async (): Promise<number> => {
    // Nothing is in step with the timers of the service.
    await delay(Math.random() * PAUSE_AT_MOST_MS);
    const ids = supply.take(1);
    return timeMs(async () => {
      await api.enrich(ids);
      await waitUntilEnded(client, tenant.orgId, ids);
    });
  };
  return { name: backend.name, order, samples: [] as number[] };
}

function measuresOf(backend: Backend['name'], samples: readonly number[]): Measure[] {
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  const note = `${samples.length} orders, ${least.toFixed(1)}–${most.toFixed(1)} ms`;
  const of = (percent: 50 | 99): Measure =>
    atMost(
      { name: `latency: one lead, ${backend}, p${percent}`, unit: 'ms', note },
      percentile(samples, percent),
      TARGETS[backend][`p${percent}`],
    );
  return [of(50), of(99)];
}
