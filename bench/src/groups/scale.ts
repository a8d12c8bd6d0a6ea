import { selectLeads } from '@leadwell/api/search/select-leads';
import { ApiClient } from '../clients/api-client';
import type { BenchContext } from '../context';
import { acceptByHand } from '../floors/accept-floor';
import { pollByHand } from '../floors/poll-floor';
import type { Group, Measure } from '../group';
import { loadDirectory } from '../load/directory';
import { loadHistory } from '../load/history';
import { LeadSupply } from '../load/leads';
import { createTenants } from '../load/tenants';
import { atMost, counted, describeRatio } from '../measure';
import { interleave, timeMs } from '../rounds';
import { median, ratioOf } from '../statistics';
import { Poller, TASKS } from './poll';

/** Organisations that have enriched every lead. */
const ORGANISATIONS = { big: 10, small: 1 };
const GROWTH = 1.2;

export const scaleGroup: Group = {
  name: 'scale',
  purpose: 'what 10 million enrichments, 1 million leads and transactions change, against 10,000',
  async run(context) {
    const bigLeads = context.sized({ full: context.enrichments / ORGANISATIONS.big, small: 1_000 });
    const smallLeads = context.sized({ full: 10_000, small: 1_000 });
    const small = await createSite(context, smallLeads, ORGANISATIONS.small);
    const big = await createSite(context, bigLeads, ORGANISATIONS.big);
    const rounds = context.sized({ full: 7, small: 1 });
    const note = `${bigLeads * ORGANISATIONS.big} enrichments and ${bigLeads} leads to ${smallLeads}`;
    const compare = async (what: string, job: Job): Promise<Measure[]> => {
      const samples = await interleave(
        {
          big: () => job.service(big),
          small: () => job.service(small),
          bigFloor: () => job.floor(big),
          smallFloor: () => job.floor(small),
        },
        { rounds, say: (text) => context.say(`${what}: ${text}`) },
      );
      return report(what, samples, note);
    };
    const orders = context.sized({ full: 30, small: 2 });
    return [
      ...(await compare('accept 1 lead', acceptJob(1, orders))),
      ...(await compare('accept 1,000 leads', acceptJob(1000, context.sized({ full: 5, small: 1 })))),
      ...(await compare(`poll ${TASKS} tasks`, pollJob(orders))),
      ...(await compareSelections(big, small, rounds, note)),
    ];
  },
};

/** A deployment on a database of one size. */
type Site = Awaited<ReturnType<typeof createSite>>;

/** The same work, by the service and by hand; each gives the median of some repetitions in ms. */
interface Job {
  service(site: Site): Promise<number>;
  floor(site: Site): Promise<number>;
}

async function createSite(context: BenchContext, leads: number, organisations: number) {
  const database = await context.createDatabase();
  context.say(`loading ${leads} leads`);
  await loadDirectory(database, leads);
  const tenants = await createTenants(database, organisations);
  await loadHistory(
    database,
    tenants.map(({ orgId }) => orgId),
    (text) => context.say(text),
  );
  const { apiUrl } = await context.deploy({ database, backend: context.backends[0] });
  const client = await database.connect();
  const { rows } = await client.query<{ id: string }>('SELECT id FROM people ORDER BY random() LIMIT 5000');
  const tenant = tenants[0];
  if (!tenant) throw new Error('There is no tenant.');
  return { database, apiUrl, client, tenant, leadIds: rows.map(({ id }) => id) };
}

/** An organisation of its own for every round, for which every lead is new. */
function acceptJob(leads: number, orders: number): Job {
  const supplyOf = ({ leadIds }: Site): LeadSupply =>
    new LeadSupply(Array.from({ length: leads * orders }, (_, i) => leadIds[i % leadIds.length] ?? ''));
  return {
    async service(site) {
      const [tenant] = await createTenants(site.database, 1);
      const api = new ApiClient(site.apiUrl, tenant?.apiKey ?? '');
      const supply = supplyOf(site);
      const ms = await medianOf(orders, async () => (await api.enrich(supply.take(leads))).ms);
      api.close();
      return ms;
    },
    async floor(site) {
      const [tenant] = await createTenants(site.database, 1);
      const supply = supplyOf(site);
      return medianOf(orders, () =>
        timeMs(() =>
          acceptByHand(site.client, { orgId: '', keyId: '', ...tenant, leadIds: supply.take(leads) }),
        ),
      );
    },
  };
}

function pollJob(polls: number): Job {
  return {
    async service({ apiUrl, tenant, leadIds }) {
      const poller = new Poller(new ApiClient(apiUrl, tenant.apiKey), leadIds.slice(0, TASKS));
      const ms = await medianOf(polls, async () => (await poller.poll()).ms);
      poller.close();
      return ms;
    },
    floor: ({ client, tenant, leadIds }) =>
      medianOf(polls, () => timeMs(() => pollByHand(client, tenant.orgId, leadIds.slice(0, TASKS)))),
  };
}

/** Selections have no floor: their own time is what must not grow. */
async function compareSelections(big: Site, small: Site, rounds: number, note: string): Promise<Measure[]> {
  const forms = [
    ['all leads', {}],
    ['a country', { contact: { location: { any: { include: ['Germany'] } } } }],
  ] as const;
  const measures: Measure[] = [];
  for (const [name, filters] of forms) {
    const select =
      ({ database, tenant }: Site) =>
      () =>
        timeMs(() =>
          selectLeads(database.knex, {
            orgId: tenant.orgId,
            filters,
            startIndex: 0,
            targetCount: 1000,
            excludedIds: [],
          }),
        );
    const samples = await interleave(
      { big: select(big), small: select(small) },
      { rounds: 3 * rounds, say: () => undefined },
    );
    const growth = ratioOf(samples.big, samples.small);
    const described = `${describeRatio(growth, 'ms')}; ${note}`;
    measures.push(
      atMost({ name: `scale: selection of ${name}, time`, unit: '×', note: described }, growth.value, GROWTH),
    );
  }
  return measures;
}

function report(
  what: string,
  samples: Record<'big' | 'small' | 'bigFloor' | 'smallFloor', number[]>,
  note: string,
): Measure[] {
  const time = ratioOf(samples.big, samples.small);
  const [big, small] = [ratioOf(samples.big, samples.bigFloor), ratioOf(samples.small, samples.smallFloor)];
  const toFloor = `${big.value.toFixed(2)} × its floor to ${small.value.toFixed(2)} ×; ${note}`;
  return [
    atMost(
      { name: `scale: ${what}, ratio to its floor`, unit: '×', note: toFloor },
      big.value / small.value,
      GROWTH,
    ),
    counted({ name: `scale: ${what}, time`, unit: '×', note: describeRatio(time, 'ms') }, time.value),
  ];
}

async function medianOf(times: number, measure: () => Promise<number>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < times; i++) samples.push(await measure());
  return median(samples);
}
