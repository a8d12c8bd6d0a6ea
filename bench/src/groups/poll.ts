import { ApiClient, type TimedResponse } from '../clients/api-client';
import type { BenchContext } from '../context';
import { acceptByHand } from '../floors/accept-floor';
import { pollByHand } from '../floors/poll-floor';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants, type Tenant } from '../load/tenants';
import { atMost, describeRatio } from '../measure';
import { interleave, timeMs } from '../rounds';
import type { BenchDatabase } from '../servers/bench-database';
import { median, ratioOf } from '../statistics';

/** What a client may ask for at once. */
export const TASKS = 200;
const ORGANISATIONS = 20;

export const pollGroup: Group = {
  name: 'poll',
  purpose: `polling ${TASKS} tasks over HTTP, against its SELECT by hand on one connection`,
  async run(context) {
    const database = await context.createDatabase();
    context.say('loading leads and enrichments');
    const { tenant, leadIds } = await loadPolled(context, database);
    const deployment = await context.deploy({ database, backend: context.backends[0] });
    const polls = context.sized({ full: 100, small: 5 });
    const poller = new Poller(new ApiClient(deployment.apiUrl, tenant.apiKey), leadIds);
    const client = await database.connect();
    const many = (poll: () => Promise<number>) => async (): Promise<number> => {
      const samples: number[] = [];
      for (let i = 0; i < polls; i++) samples.push(await poll());
      return median(samples);
    };
    const samples = await interleave(
      {
        whole: many(async () => (await poller.poll()).ms),
        unchanged: many(async () => (await poller.pollAgain()).ms),
        floor: many(() => timeMs(() => pollByHand(client, tenant.orgId, leadIds))),
      },
      { rounds: context.sized({ full: 9, small: 1 }), say: (text) => context.say(text) },
    );
    poller.close();
    return measuresOf(samples);
  },
};

function measuresOf(samples: Record<'whole' | 'unchanged' | 'floor', number[]>): Measure[] {
  const whole = ratioOf(samples.whole, samples.floor);
  const unchanged = ratioOf(samples.unchanged, samples.whole);
  return [
    atMost(
      { name: `poll: ${TASKS} tasks, p50, to its SELECT`, unit: '×', note: describeRatio(whole, 'ms', 2) },
      whole.value,
      2,
    ),
    atMost(
      {
        name: 'poll: unchanged, p50, to a whole one',
        unit: '×',
        note: describeRatio(unchanged, 'ms', 2),
      },
      unchanged.value,
      0.5,
    ),
  ];
}

/** Many organisations have enrichments; one polls those of 200 leads. */
async function loadPolled(
  context: BenchContext,
  database: BenchDatabase,
): Promise<{ tenant: Tenant; leadIds: string[] }> {
  const each = context.sized({ full: 2_000, small: TASKS });
  const leads = await loadLeads(database, each);
  const tenants = await createTenants(database, context.sized({ full: ORGANISATIONS, small: 2 }));
  const client = await database.connect();
  for (const tenant of tenants) {
    const supply = new LeadSupply(leads);
    for (let i = 0; i < each / TASKS; i++)
      await acceptByHand(client, { ...tenant, leadIds: supply.take(TASKS) });
  }
  await client.end();
  await database.load([]);
  return { tenant: tenants[0] as Tenant, leadIds: new LeadSupply(leads).take(TASKS) };
}

/** A client that polls the same leads, and remembers the ETag of what it has. */
export class Poller {
  private etag = '';
  private readonly body: unknown;

  constructor(
    private readonly api: ApiClient,
    private readonly leadIds: readonly string[],
  ) {
    this.body = { tasks: leadIds.map((entityId) => ({ entityId, field: 'emails' })) };
  }

  /** Reads all. Throws where something is missing: a short answer is no fast one. */
  async poll(): Promise<TimedResponse> {
    const response = await this.api.call('POST', '/operations/enrichment/batch/query', this.body);
    this.etag = response.headers.etag ?? '';
    const count = (JSON.parse(response.text) as unknown[]).length;
    if (count !== this.leadIds.length) throw new Error(`A poll gave ${count} of ${this.leadIds.length}.`);
    return response;
  }

  /** Asks whether what was read last still holds. Throws where it does not. */
  async pollAgain(): Promise<TimedResponse> {
    if (this.etag === '') await this.poll();
    const headers = { 'if-none-match': this.etag };
    const response = await this.api.call('POST', '/operations/enrichment/batch/query', this.body, headers);
    if (response.status !== 304) throw new Error(`An unchanged poll answered ${response.status}.`);
    return response;
  }

  close(): void {
    this.api.close();
  }
}
