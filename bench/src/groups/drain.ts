import { saveOwnWaterfall } from '@leadwell/shared/repositories/organisation-waterfalls';
import { ProviderClient, type Person } from '../clients/provider-client';
import type { Backend, BenchContext } from '../context';
import { drainByHand, type FloorBatch } from '../floors/drain-floor';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads, readPeople } from '../load/leads';
import { acceptHeldBack, release, waitUntilDrained } from '../load/pending-work';
import { createTenants, type Tenant } from '../load/tenants';
import { atLeast, describeRatio } from '../measure';
import { startPeer } from '../peer/peer';
import { interleave, type Contender } from '../rounds';
import type { BenchDatabase } from '../servers/bench-database';
import type { SandboxControl } from '../servers/sandbox-control';
import { ratioOf, type Ratio } from '../statistics';

/** What is asked for: by the peer one lead a call; by us as the provider allows. */
interface Drain {
  provider: 'hunter' | 'prospeo';
  label: string;
  timesPeer: number;
  timesFloor: number;
}

const DRAINS: readonly Drain[] = [
  { provider: 'hunter', label: 'one lead a call', timesPeer: 4, timesFloor: 0.6 },
  { provider: 'prospeo', label: 'calls of 50', timesPeer: 6, timesFloor: 0.4 },
];
/** The settles of one organisation follow each other. */
const ORGANISATIONS = 4;

export const drainGroup: Group = {
  name: 'drain',
  purpose: 'accepted leads to their end, no provider latency, against one job per lead and against the floor',
  async run(context) {
    const rounds = context.sized({ full: 5, small: 1 });
    // Long enough that the first tenths of a second, in which the first batches are leased, do not say how fast a drain is.
    const leads = context.sized({ full: 8000, small: 100 });
    const setting = { context, sandbox: await context.startSandbox(), leads, rounds };
    const [floor, ...byBackend] = await Promise.all([
      startFloor(setting),
      ...context.backends.map((backend) => startContenders(setting, backend)),
    ]);
    const measures: Measure[] = [];
    for (const drain of DRAINS) measures.push(...(await compare(setting, drain, floor, byBackend)));
    return measures;
  },
};

interface Setting {
  context: BenchContext;
  sandbox: SandboxControl;
  /** A round of each contender. */
  leads: number;
  rounds: number;
}

/** Leads a second of one round. */
type Drainer = (provider: Drain['provider']) => Promise<number>;

interface Contenders {
  name: Backend['name'];
  ours: Drainer;
  peer: Drainer;
}

async function compare(
  { context, rounds }: Setting,
  drain: Drain,
  floor: Drainer,
  byBackend: readonly Contenders[],
): Promise<Measure[]> {
  const contenders: Record<string, Contender> = { floor: () => floor(drain.provider) };
  for (const { name, ours, peer } of byBackend) {
    contenders[`${name} ours`] = () => ours(drain.provider);
    contenders[`${name} peer`] = () => peer(drain.provider);
  }
  const say = (text: string): void => context.say(`${drain.label}: ${text}`);
  const samples = await interleave(contenders, { rounds, say });
  const of = (contender: string): number[] => samples[contender] ?? [];
  return byBackend.flatMap(({ name }) => {
    const peer = ratioOf(of(`${name} ours`), of(`${name} peer`));
    const floor = ratioOf(of(`${name} ours`), of('floor'));
    const label = (what: string, ratio: Ratio) => ({
      name: `drain: ${drain.label}, ${name}, ${what}`,
      unit: '×',
      note: describeRatio(ratio, 'leads/s', 0),
    });
    return [
      atLeast(label('to one job per lead', peer), peer.value, drain.timesPeer),
      atLeast(label('to the floor', floor), floor.value, drain.timesFloor),
    ];
  });
}

/** The service and the peer on one backend. Each round has organisations of its own and leads that nobody was asked about. */
async function startContenders(
  { context, sandbox, leads, rounds }: Setting,
  backend: Backend,
): Promise<Contenders> {
  const database = await context.createDatabase();
  const supply = new LeadSupply(await loadLeads(database, 2 * DRAINS.length * leads * (rounds + 1)));
  const client = await database.connect();
  const settings = { CHECK_SECONDS: String(context.sized({ full: 2, small: 0.1 })) };
  const deployment = await context.deployWorkers({ database, backend, sandbox, settings });
  const [peer] = await Promise.all([startPeer(context, backend, sandbox.url), deployment.startWorker()]);
  return {
    name: backend.name,
    async ours(provider) {
      const tenants = await acceptForAll(database, supply, leads, provider);
      await release(client);
      const drained = await waitUntilDrained(client, tenants);
      return drained.leads / drained.seconds;
    },
    peer: async (provider) => peer.drain(provider, await readPeople(client, supply.take(leads))),
  };
}

async function acceptForAll(
  database: BenchDatabase,
  supply: LeadSupply,
  leads: number,
  provider: Drain['provider'],
): Promise<Tenant[]> {
  const client = await database.connect();
  const tenants = await createTenants(database, ORGANISATIONS);
  for (const tenant of tenants) {
    await saveOwnWaterfall(database.knex, { orgId: tenant.orgId, field: 'emails', providers: [provider] });
    await acceptHeldBack(client, tenant, supply.take(leads / ORGANISATIONS));
  }
  await client.query('ANALYZE');
  await client.end();
  return tenants;
}

/** On a database of its own, for which no worker looks. */
async function startFloor({ context, sandbox, leads }: Setting): Promise<Drainer> {
  const database = await context.createDatabase();
  const leadIds = await loadLeads(database, leads);
  const client = await database.connect();
  const people = new Map((await readPeople(client, leadIds)).map((person) => [person.id, person]));
  const calls = new ProviderClient(sandbox.url);
  context.onEnd('client of the floor', () => calls.close());
  return async (provider) => {
    const tenants = await acceptForAll(database, new LeadSupply(leadIds), leads, provider);
    const batches = await listBatches(database, tenants, people);
    return leads / ((await drainByHand(provider, client, calls, batches)) / 1000);
  };
}

async function listBatches(
  database: BenchDatabase,
  tenants: readonly Tenant[],
  people: ReadonlyMap<string, Person>,
): Promise<FloorBatch[]> {
  const client = await database.connect();
  const { rows } = await client.query<{ id: string; orgId: string; ids: string[]; leadIds: string[] }>(
    `SELECT batch_id AS id, org_id AS "orgId", array_agg(id) AS ids, array_agg(entity_id) AS "leadIds"
       FROM enrichments WHERE org_id = ANY($1::uuid[]) GROUP BY batch_id, org_id`,
    [tenants.map(({ orgId }) => orgId)],
  );
  await client.end();
  return rows.map(({ id, orgId, ids, leadIds }) => ({
    id,
    orgId,
    rows: ids.map((enrichmentId, index) => ({
      enrichmentId,
      person: people.get(leadIds[index] as string) as Person,
    })),
  }));
}
