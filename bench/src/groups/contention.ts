import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient, RefusedCall } from '../clients/api-client';
import type { BenchContext } from '../context';
import { acceptByHand } from '../floors/accept-floor';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants, type Tenant } from '../load/tenants';
import { atLeast, describeRatio } from '../measure';
import { interleave, timeMs } from '../rounds';
import type { BenchDatabase } from '../servers/bench-database';
import type { Deployment } from '../servers/deployment';
import { ratioOf } from '../statistics';

const LEADS_AN_ORDER = 100;

export const contentionGroup: Group = {
  name: 'contention',
  purpose: `50 clients that order ${LEADS_AN_ORDER} leads at a time, against the same SQL from 50 connections`,
  async run(context) {
    const database = await context.createDatabase();
    const clients = context.sized({ full: 50, small: 5 });
    const ordersEach = context.sized({ full: 10, small: 1 });
    context.say('loading leads');
    const leadIds = await loadLeads(database, clients * ordersEach * LEADS_AN_ORDER);
    const deployment = await context.deploy({ database, backend: context.backends[0] });
    const setting = { context, database, deployment, leadIds, clients, ordersEach };
    return [await compare(setting, 1), await compare(setting, clients)];
  },
};

interface Setting {
  context: BenchContext;
  database: BenchDatabase;
  deployment: Deployment;
  leadIds: readonly string[];
  clients: number;
  ordersEach: number;
}

/** Orders a second, all clients together; each round has organisations of its own, for which every lead is new. */
async function compare(setting: Setting, organisations: number): Promise<Measure> {
  const { context, database, deployment, ordersEach } = setting;
  let refusals = 0;
  const connections = await Promise.all(Array.from({ length: setting.clients }, () => database.connect()));
  const samples = await interleave(
    {
      service: async () => {
        const tenants = await createTenants(database, organisations);
        const clients = connections.map(
          (_, i) => new ApiClient(deployment.apiUrl, tenantOf(tenants, i).apiKey),
        );
        const rate = await rateOf(setting, (i, leadIds) =>
          orderPatiently(clients[i] as ApiClient, leadIds, () => refusals++),
        );
        for (const client of clients) client.close();
        return rate;
      },
      floor: async () => {
        const tenants = await createTenants(database, organisations);
        return rateOf(setting, async (i, leadIds) => {
          const connection = connections[i];
          if (connection) await acceptByHand(connection, { ...tenantOf(tenants, i), leadIds });
        });
      },
    },
    {
      rounds: context.sized({ full: 7, small: 1 }),
      say: (text) => context.say(`${organisations} organisations: ${text}`),
    },
  );
  await Promise.all(connections.map((connection) => connection.end()));
  const ratio = ratioOf(samples.service, samples.floor);
  const on = `${organisations} ${organisations === 1 ? 'organisation' : 'organisations'}`;
  const name = `contention: ${setting.clients} clients on ${on}`;
  const note = `${describeRatio(ratio, 'orders/s')}; ${ordersEach} orders each, ${refusals} refused and repeated`;
  return atLeast({ name, unit: '×', note }, ratio.value, 0.5);
}

function tenantOf(tenants: readonly Tenant[], client: number): Tenant {
  return tenants[client % tenants.length] as Tenant;
}

/** As a client does that is told to come again: the time that it waits counts. */
async function orderPatiently(
  client: ApiClient,
  leadIds: readonly string[],
  onRefusal: () => void,
): Promise<void> {
  for (;;) {
    try {
      await client.enrich(leadIds);
      return;
    } catch (error) {
      if (!(error instanceof RefusedCall) || error.retryAfterSeconds === undefined) throw error;
      onRefusal();
      await delay(error.retryAfterSeconds * 1000);
    }
  }
}

async function rateOf(
  { leadIds, clients, ordersEach }: Setting,
  order: (client: number, leadIds: readonly string[]) => Promise<unknown>,
): Promise<number> {
  const supply = new LeadSupply(leadIds);
  const work = async (client: number): Promise<void> => {
    for (let i = 0; i < ordersEach; i++) await order(client, supply.take(LEADS_AN_ORDER));
  };
  const ms = await timeMs(() => Promise.all(Array.from({ length: clients }, (_, client) => work(client))));
  return (clients * ordersEach) / (ms / 1000);
}
