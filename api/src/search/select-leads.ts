import { query, type Db } from '@leadwell/shared/db/database';
import { compileFilters } from './compile-filters';
import { assertStableRange } from './filter-schema';
import type { Filters } from './filters';
import { planByValues } from './plan-by-values';

export interface LeadRange {
  orgId: string;
  filters: Filters;
  startIndex: number;
  targetCount: number;
  excludedIds: readonly string[];
}

/**
 * The ids of rows `startIndex … startIndex + targetCount - 1` of a search, in its order, without those excluded, which are
 * not replaced. Behind the end: what is left, possibly nothing. Throws VALIDATION_ERROR for hasEmail or hasPhone with a
 * startIndex above 0.
 */
export async function selectLeads(db: Db, range: LeadRange): Promise<string[]> {
  assertStableRange(range.filters, range.startIndex, 'selection.startIndex');
  const ids = await listLeadIds(db, {
    ...range,
    offset: range.startIndex,
    limit: range.targetCount,
  });
  const excluded = new Set(range.excludedIds);
  return ids.filter((id) => !excluded.has(id));
}

export interface LeadPage {
  orgId: string;
  filters: Filters;
  offset: number;
  limit: number;
}

/**
 * Up to so many matches that an index finds are always fetched and sorted, which takes about 20 ms. Left alone, the planner
 * walks the leads in their order also for few, on the assumption that they lie evenly: 500 leads that were imported last took it
 * 970 ms over 200,000, and 2 ms sorted.
 */
const ALWAYS_SORTED_LEADS = 20_000;

/** A page of the leads that an organisation sees and its filters match, by insertion. */
export function listLeadIds(db: Db, page: LeadPage): Promise<string[]> {
  return planByValues(db, (planning) => listMatching(planning, page));
}

async function listMatching(db: Db, page: LeadPage): Promise<string[]> {
  const { offset, limit } = page;
  const { condition, bindings } = await compileMatching(db, page);
  const way = await chooseWay(db, { condition, bindings }, offset + limit);
  const rows = await query<{ id: string }>(
    db,
    `SELECT p.id ${fromLeads(way === 'walk' ? `CASE WHEN ${condition} THEN true END` : condition)}
      ORDER BY ${way === 'sort' ? 'p.seq + 0' : 'p.seq'} OFFSET :offset LIMIT :limit`,
    { ...bindings, offset, limit },
  );
  return rows.map((row) => row.id);
}

/** How a page is found. As a sum, seq is in no index: nothing is left but to sort; of a CASE the planner expects half to match, and walks. */
type Way = 'sort' | 'walk' | 'as planned';

/**
 * Where an index finds the matches: whether all of them are fetched and sorted sooner than the leads are walked to the end of the page, if
 * they lie evenly. To find, fetch and sort a match takes about twice as long as to walk past a lead, which tests its words or terms.
 */
async function chooseWay(db: Db, matching: Matching, wanted: number): Promise<Way> {
  const plan = await planFetch(db, matching);
  if (plan['Node Type'] !== 'Bitmap Heap Scan') return 'as planned';
  const { leads, pages } = await readSize(db);
  const matches = (await sampleMatches(db, matching, pages)) ?? plan['Plan Rows'];
  const isFew = matches <= ALWAYS_SORTED_LEADS;
  return isFew || 2 * matches <= Math.min(leads, (wanted * leads) / matches) ? 'sort' : 'walk';
}

/** About so many pages are looked at for an estimate, of some twenty leads each: 1 to 2 ms. */
const SAMPLED_PAGES = 50;
/** Matches in fewer of them say little: one import's lie together. */
const PAGES_WITH_MATCHES = 8;

/**
 * How many leads match, by those of some pages; undefined where these are too few to say. The planner knows no words that go together, nor
 * how many begin alike: of 125,000 software engineers it expects 15,000, of as many heads of sales 1,900.
 */
async function sampleMatches(
  db: Db,
  { condition, bindings }: Matching,
  pages: number,
): Promise<number | undefined> {
  const share = Math.min(1, SAMPLED_PAGES / Math.max(1, pages));
  const [sample] = await query<{ matches: number; pagesWithMatches: number }>(
    db,
    `SELECT count(*)::int AS matches, count(DISTINCT (p.ctid::text::point)[0])::int AS "pagesWithMatches"
       FROM people_search p TABLESAMPLE SYSTEM (:percent::real) WHERE ${condition}`,
    { ...bindings, percent: 100 * share },
  );
  return sample && sample.pagesWithMatches >= PAGES_WITH_MATCHES ? sample.matches / share : undefined;
}

/**
 * How many leads an organisation sees that its filters match. What is excluded is counted and subtracted: an index finds
 * the few that 50 company names drop, while to test every lead that they do not drop took 1.9 s over 200,000.
 */
export async function countLeads(
  db: Db,
  { orgId, filters }: Pick<LeadPage, 'orgId' | 'filters'>,
): Promise<number> {
  const { wantedSql, wantedParts, droppingSql, bindings } = compileFilters(filters, orgId);
  const count = (condition: string): string => `(SELECT count(*) ${fromLeads(visible(condition))})`;
  // One statement sees one snapshot: the difference is exact while imports run.
  const dropped = droppingSql === null ? '0' : count(`${wantedSql} AND (${droppingSql})`);
  const sql = `SELECT ${wantedParts.map(count).join(' + ')} - ${dropped} AS total`;
  const rows = await planByValues(db, (planning) => query<{ total: number }>(planning, sql, bindings));
  return rows[0]?.total ?? 0;
}

function visible(condition: string): string {
  return `(p.org_id IS NULL OR p.org_id = :orgId) AND ${condition}`;
}

function fromLeads(condition: string): string {
  return `FROM people_search p WHERE ${condition}`;
}

/** What a lead must meet to be found. */
interface Matching {
  condition: string;
  bindings: Record<string, unknown>;
}

/**
 * What drops a lead is looked up once, where an index finds the few leads that it names: tested lead by lead, 50 excluded companies
 * took 20 µs each.
 */
async function compileMatching(
  db: Db,
  { filters, orgId }: Pick<LeadPage, 'orgId' | 'filters'>,
): Promise<Matching> {
  const { sql, wantedSql, droppingSql, bindings } = compileFilters(filters, orgId);
  if (droppingSql === null) return { condition: visible(sql), bindings };
  const dropped = visible(`(${droppingSql})`);
  const plan = await planFetch(db, { condition: dropped, bindings });
  const isFew = plan['Node Type'] === 'Bitmap Heap Scan' && plan['Plan Rows'] <= ALWAYS_SORTED_LEADS;
  const kept = isFew ? `${wantedSql} AND p.seq NOT IN (SELECT p.seq ${fromLeads(dropped)})` : sql;
  return { condition: visible(kept), bindings };
}

interface Plan {
  'Node Type': string;
  'Plan Rows': number;
}

/** How the planner would fetch all that match, and how many it expects, from its statistics alone. Takes 1 ms. */
async function planFetch(db: Db, { condition, bindings }: Matching): Promise<Plan> {
  const rows = await query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    db,
    `EXPLAIN (FORMAT JSON) SELECT ${fromLeads(condition)}`,
    bindings,
  );
  const [row] = rows;
  if (!row) throw new Error('EXPLAIN gave no plan.');
  return row['QUERY PLAN'][0].Plan;
}

/** How many leads there are, of all organisations, as the statistics have it, and how many pages they fill. */
async function readSize(db: Db): Promise<{ leads: number; pages: number }> {
  const [row] = await query<{ leads: number; pages: number }>(
    db,
    `SELECT GREATEST(reltuples, 0)::bigint AS leads, pg_relation_size(oid) / current_setting('block_size')::int AS pages
       FROM pg_class WHERE oid = 'people_search'::regclass`,
  );
  return row ?? { leads: 0, pages: 0 };
}
