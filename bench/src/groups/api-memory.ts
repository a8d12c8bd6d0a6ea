import { ApiClient } from '../clients/api-client';
import { residentMb } from '../clients/process-memory';
import type { Group, Measure } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants } from '../load/tenants';
import { atMost } from '../measure';
import { slopeOf } from '../statistics';

const LEADS_AN_ORDER = 1000;
const LEADS_AN_ORGANISATION = 100_000;
const CLIENTS = 4;
const PER_LEADS = 100_000;
/** What a fit through a collected heap's ups and downs shows of a level line. */
const LEVEL_MB = 1;

interface Point {
  /** Leads accepted. */
  x: number;
  /** Megabytes. */
  y: number;
}

export const apiMemoryGroup: Group = {
  name: 'api-memory',
  purpose: `what the API holds while ${CLIENTS} clients order a million leads of it, ${LEADS_AN_ORDER} at a time`,
  async run(context) {
    const leads = context.sized({ full: 1_000_000, small: 8_000 });
    const ofOne = Math.min(LEADS_AN_ORGANISATION, leads / 2);
    const database = await context.createDatabase();
    context.say('loading leads');
    const leadIds = await loadLeads(database, ofOne);
    const deployment = await context.deploy({ database, backend: context.backends[0] });
    const points: Point[] = [];
    const note = (): void =>
      void points.push({ x: points.length * LEADS_AN_ORDER, y: residentMb(deployment.api.pid ?? 0) });
    for (let accepted = 0; accepted < leads; accepted += ofOne) {
      context.say(`${accepted} leads, ${points.at(-1)?.y.toFixed(0) ?? '?'} MB`);
      const [tenant] = await createTenants(database, 1);
      const supply = new LeadSupply(leadIds);
      const api = new ApiClient(deployment.apiUrl, tenant?.apiKey ?? '', CLIENTS);
      const work = async (): Promise<void> => {
        for (let i = 0; i < ofOne / LEADS_AN_ORDER / CLIENTS; i++) {
          await api.enrich(supply.take(LEADS_AN_ORDER));
          note();
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, work));
      api.close();
    }
    return report(points);
  },
};

function report(points: readonly Point[]): Measure[] {
  const lastHalf = points.slice(Math.floor(points.length / 2));
  const all = lastHalf.map(({ y }) => y);
  const note = `${points.length * LEADS_AN_ORDER} leads; ${Math.min(...all).toFixed(0)}–${Math.max(...all).toFixed(0)} MB`;
  return [
    atMost(
      { name: 'api-memory: growth over the last half', unit: 'MB per 100,000 leads', note },
      slopeOf(lastHalf) * PER_LEADS,
      LEVEL_MB,
    ),
    atMost({ name: 'api-memory: most', unit: 'MB', note }, Math.max(...points.map(({ y }) => y)), 200),
  ];
}
