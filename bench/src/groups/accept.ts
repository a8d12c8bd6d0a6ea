import { ApiClient } from '../clients/api-client';
import type { BenchContext } from '../context';
import { acceptAtOnce, acceptByHand, type FloorOrder } from '../floors/accept-floor';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants, type Tenant } from '../load/tenants';
import { atMost, counted, describeRatio } from '../measure';
import { interleave, timeMs } from '../rounds';
import type { Deployment } from '../servers/deployment';
import type { BenchDatabase } from '../servers/bench-database';
import { median, ratioOf } from '../statistics';

/** One size of orders, with how many of them make a round. */
interface OrderSize {
  leads: number;
  orders: number;
  target: number;
}

export const acceptGroup: Group = {
  name: 'accept',
  purpose: 'accepting new leads over HTTP, against its statements by hand on one connection',
  async run(context) {
    const rounds = context.sized({ full: 9, small: 1 });
    const sizes: OrderSize[] = [
      { leads: 1000, orders: context.sized({ full: 10, small: 1 }), target: 1.5 },
      { leads: 1, orders: context.sized({ full: 100, small: 5 }), target: 2.5 },
    ];
    const database = await context.createDatabase();
    const perRound = sizes.reduce((sum, { leads, orders }) => sum + leads * orders, 0);
    context.say('loading leads');
    const leadIds = await loadLeads(database, 2 * perRound);
    const deployment = await context.deploy({ database, backend: context.backends[0] });
    const measures: Measure[] = [];
    for (const size of sizes) {
      measures.push(...(await compare({ context, database, deployment, leadIds, size, rounds })));
    }
    return measures;
  },
};

interface Comparison {
  context: BenchContext;
  database: BenchDatabase;
  deployment: Deployment;
  leadIds: readonly string[];
  size: OrderSize;
  rounds: number;
}

/** Each round of each contender is an organisation of its own, for which every lead is new. */
async function compare(comparison: Comparison): Promise<Measure[]> {
  const { context, database, deployment, size, rounds } = comparison;
  const client = await database.connect();
  const byFloor = (accept: typeof acceptByHand) => async (): Promise<number> =>
    medianOf(await ordersOf(comparison), (order) => timeMs(() => accept(client, order)));
  const samples = await interleave(
    {
      service: async () => {
        const orders = await ordersOf(comparison);
        const api = new ApiClient(deployment.apiUrl, (orders[0] as Tenant & FloorOrder).apiKey);
        const ms = await medianOf(orders, async ({ leadIds }) => (await api.enrich(leadIds)).ms);
        api.close();
        return ms;
      },
      byHand: byFloor(acceptByHand),
      atOnce: byFloor(acceptAtOnce),
    },
    { rounds, say: (text) => context.say(`${size.leads} leads: ${text}`) },
  );
  await client.end();
  const [ratio, least] = [ratioOf(samples.service, samples.byHand), ratioOf(samples.service, samples.atOnce)];
  const leads = `${size.leads} ${size.leads === 1 ? 'lead' : 'leads'}`;
  const label = (name: string) => ({ name: `accept: ${leads}, p50, ${name}`, unit: '×' });
  return [
    atMost(
      { ...label('to its statements by hand'), note: describeRatio(ratio, 'ms') },
      ratio.value,
      size.target,
    ),
    counted({ ...label('to all rows in one statement'), note: describeRatio(least, 'ms') }, least.value),
  ];
}

async function ordersOf({ database, leadIds, size }: Comparison): Promise<(Tenant & FloorOrder)[]> {
  const [tenant] = await createTenants(database, 1);
  const supply = new LeadSupply(leadIds);
  return Array.from({ length: size.orders }, () => ({
    ...(tenant as Tenant),
    leadIds: supply.take(size.leads),
  }));
}

async function medianOf<T>(items: readonly T[], measure: (item: T) => Promise<number>): Promise<number> {
  const samples: number[] = [];
  for (const item of items) samples.push(await measure(item));
  return median(samples);
}
