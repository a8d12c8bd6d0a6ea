import type { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../clients/api-client';
import { waitUntilEnded } from '../clients/end-watch';
import type { Backend, BenchContext } from '../context';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants, type Tenant } from '../load/tenants';
import { atMost } from '../measure';
import { timeMs } from '../rounds';
import { median, percentile } from '../statistics';

const SMALL_LEADS = 10;
const CALLS_A_SECOND = 100;
const BATCH_SIZE = 50;
const BATCH_MS = (BATCH_SIZE / CALLS_A_SECOND) * 1000;
const PAUSE_AT_MOST_MS = 200;
const STOP_MS = 20_000;

export const fairnessGroup: Group = {
  name: 'fairness',
  purpose: `${SMALL_LEADS} leads of one tenant beside the flood of another, ${CALLS_A_SECOND} calls a second allowed`,
  async run(context) {
    const measures: Measure[] = [];
    const backends = context.backends.slice(0, context.sized({ full: 2, small: 1 }));
    for (const backend of backends) measures.push(await measure(context, backend));
    return measures;
  },
};

/** The small tenant's orders one after the other: first alone, then while the flood, far from its end, is worked. */
async function measure(context: BenchContext, backend: Backend): Promise<Measure> {
  const orders = context.sized({ full: 60, small: 2 });
  const flood = context.sized({ full: 100, small: 2 });
  const floodSize = context.sized({ full: 1000, small: 100 });
  const database = await context.createDatabase();
  const supply = new LeadSupply(await loadLeads(database, 2 * orders * SMALL_LEADS + flood * floodSize));
  const [small, large] = await createTenants(database, 2);
  const provider = { name: 'hunter', limits: [{ calls: CALLS_A_SECOND, perSeconds: 1 }] } as const;
  const deployment = await context.deploy({ database, backend, provider });
  const worker = await deployment.startWorker();
  const [client, api] = [await database.connect(), clientOf(context, deployment.apiUrl, small)];
  const order = async (): Promise<number> => {
    await delay(Math.random() * PAUSE_AT_MOST_MS);
    const ids = supply.take(SMALL_LEADS);
    return timeMs(async () => {
      await api.enrich(ids);
      await waitUntilEnded(client, small?.orgId ?? '', ids);
    });
  };
  context.say(`${backend.name}: alone`);
  const alone = await repeat(orders, order);
  context.say(`${backend.name}: beside the flood`);
  const flooding = clientOf(context, deployment.apiUrl, large);
  for (let i = 0; i < flood; i++) await flooding.enrich(supply.take(floodSize));
  const beside = await repeat(orders, order);
  // Most of the flood is still to come, and would be worked beside what is measured next.
  for (const started of [worker, deployment.api]) await started.stop(STOP_MS);
  return report(backend, alone, beside, await readWaits(client, small?.orgId ?? '', orders));
}

/** How long the last so many batches of an organisation waited for a worker's place, in ms. */
async function readWaits(client: Client, orgId: string, count: number): Promise<number[]> {
  const { rows } = await client.query<{ ms: number }>(
    `SELECT 1000 * extract(epoch FROM b.started_at - r.created_at)::float8 AS ms
       FROM batches b JOIN requests r ON r.id = b.request_id WHERE b.org_id = $1 ORDER BY b.id DESC LIMIT $2`,
    [orgId, count],
  );
  return rows.map(({ ms }) => ms);
}

function report(
  backend: Backend,
  alone: readonly number[],
  beside: readonly number[],
  waits: readonly number[],
): Measure {
  const note =
    `alone p50 ${median(alone).toFixed(0)} ms; beside p50 ${median(beside).toFixed(0)} ms; a batch takes ${BATCH_MS} ms; ` +
    `${beside.length} orders, which waited p50 ${median(waits).toFixed(0)}, p95 ${percentile(waits, 95).toFixed(0)} ms for a place at the worker`;
  const bound = Math.round(3 * median(alone) + BATCH_MS);
  return atMost(
    { name: `fairness: ${backend.name}, p95 beside the flood`, unit: 'ms', note },
    percentile(beside, 95),
    bound,
  );
}

function clientOf(context: BenchContext, apiUrl: string, tenant: Tenant | undefined): ApiClient {
  const client = new ApiClient(apiUrl, tenant?.apiKey ?? '');
  context.onEnd('client', () => Promise.resolve(client.close()));
  return client;
}

async function repeat(times: number, work: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < times; i++) samples.push(await work());
  return samples;
}
