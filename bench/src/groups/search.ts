import { countLeads, selectLeads } from '@leadwell/api/search/select-leads';
import { openDatabase, type Knex } from '@leadwell/shared/db/database';
import type { Group, Measure } from '../group';
import { loadDirectory } from '../load/directory';
import { FILTER_FORMS, type FilterForm } from '../load/filter-forms';
import { createTenants } from '../load/tenants';
import { atMost } from '../measure';
import { timeMs } from '../rounds';
import { median } from '../statistics';

const SELECTED = 1000;

export const searchGroup: Group = {
  name: 'search',
  purpose: `the selection of ${SELECTED} leads by each form of filter, and the count of all that match`,
  async run(context) {
    const database = await context.createDatabase();
    const leads = context.sized({ full: 1_000_000, small: 20_000 });
    context.say(`loading ${leads} leads`);
    await loadDirectory(database, leads);
    const [tenant] = await createTenants(database, 1);
    const orgId = tenant?.orgId ?? '';
    // As the API opens it.
    const knex = openDatabase({
      url: database.url,
      poolSize: 2,
      applicationName: 'bench',
      workMemMb: 32,
      readsByIndex: true,
    });
    context.onEnd('search connections', () => knex.destroy());
    const rounds = context.sized({ full: 5, small: 1 });
    const measures: Measure[] = [];
    for (const form of FILTER_FORMS) {
      context.say(form.name);
      measures.push(...(await measureForm(knex, orgId, form, rounds)));
    }
    return measures;
  },
};

async function measureForm(knex: Knex, orgId: string, form: FilterForm, rounds: number): Promise<Measure[]> {
  const { name, filters } = form;
  const total = await countLeads(knex, { orgId, filters });
  const select = (startIndex: number) => () =>
    selectLeads(knex, { orgId, filters, startIndex, targetCount: SELECTED, excludedIds: [] });
  const label = (what: string) => ({ name: `search: ${name}, ${what}`, unit: 'ms' });
  const first = await sample(select(0), rounds);
  const count = await sample(() => countLeads(knex, { orgId, filters }), rounds);
  const far = form.onlyFromStart ? null : await sample(select(9_000), rounds);
  return [
    atMost({ ...label('1,000 from 0'), note: `${total} match; ${first.note}` }, first.ms, 60),
    ...(far ? [atMost({ ...label('1,000 from 9,000'), note: far.note }, far.ms, 120)] : []),
    atMost({ ...label('total'), note: count.note }, count.ms, 250),
  ];
}

/** The median of some rounds after one that warms up, with the fastest and the slowest. */
async function sample(work: () => Promise<unknown>, rounds: number): Promise<{ ms: number; note: string }> {
  await work();
  const samples: number[] = [];
  for (let i = 0; i < rounds; i++) samples.push(await timeMs(work));
  const [low, high] = [Math.min(...samples), Math.max(...samples)];
  return { ms: median(samples), note: `rounds ${low.toFixed(1)}–${high.toFixed(1)} ms` };
}
