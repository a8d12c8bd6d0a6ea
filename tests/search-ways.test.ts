/**
 * A page of a search is the same whether its matches are fetched and sorted or the leads are walked; which is taken follows how many match,
 * also where the planner's statistics know nothing of it.
 */
import type { Filters } from '@leadwell/api/search/filters';
import { countLeads, listLeadIds } from '@leadwell/api/search/select-leads';
import { execute, openDatabase, query, type Knex } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { seedOrganisation } from '@leadwell/shared/testing/seed';
import { Client } from 'pg';

const LEADS = 90_000;
const LAST_IMPORTED = 300;

const titled = (title: string): Filters => ({
  contact: { jobTitle: { any: { include: { mode: 'WORD', content: [title] } } } },
});

describe('a page of a search', () => {
  let database: TestDatabase;
  let knex: Knex;
  let client: Client;
  let orgId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    knex = openDatabase({
      url: database.url,
      poolSize: 1,
      applicationName: 'search-ways',
      readsByIndex: true,
    });
    orgId = await seedOrganisation(knex, 0);
    client = new Client({ connectionString: database.url });
    await client.connect();
    await execute(
      knex,
      `INSERT INTO people (id, seq, full_name) SELECT gen_random_uuid(), i, 'Ada' FROM generate_series(1, ${LEADS}) AS i`,
    );
    // The planner takes the words of a phrase for independent: of these heads of sales it expects a sixteenth.
    await execute(
      knex,
      `INSERT INTO people_search (seq, id, words)
       SELECT seq, id, CAST(CASE WHEN seq > ${LEADS - LAST_IMPORTED} THEN '''t_vet'':1'
                                 WHEN seq % 4 = 0 THEN '''t_head'':1 ''t_of'':2 ''t_sales'':3' ELSE '''t_smith'':1' END AS tsvector) FROM people`,
    );
    await knex.raw('VACUUM ANALYZE people_search');
  });
  afterAll(async () => {
    await client.end();
    await knex.destroy();
    await database.drop();
  });

  /** The page by its places in the search order, and the nodes of its plan. */
  async function readPage(filters: Filters, offset: number): Promise<{ seqs: number[]; plan: string }> {
    const sent: { sql: string; bindings: unknown[] }[] = [];
    const listen = (statement: (typeof sent)[number]): void => void sent.push(statement);
    knex.on('query', listen);
    const ids = await listLeadIds(knex, { orgId, filters, offset, limit: 100 });
    knex.removeListener('query', listen);
    const page = sent.find(({ sql }) => sql.startsWith('SELECT p.id'));
    const { rows } = await client.query<{ 'QUERY PLAN': string }>({
      text: `EXPLAIN ${page?.sql}`,
      values: page?.bindings ?? [],
    });
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    const places = await query<{ id: string; seq: number }>(
      knex,
      'SELECT id, seq::int FROM people WHERE id = ANY(?)',
      [[...ids]],
    );
    const seqs = new Map(places.map(({ id, seq }) => [id, seq]));
    return { seqs: ids.map((id) => seqs.get(id) ?? 0), plan };
  }

  /** Every fourth lead, from this one on. */
  const fourths = (from: number): number[] => Array.from({ length: 100 }, (_, i) => from + 4 * i);

  it('is walked to where many match, whatever the planner expects', async () => {
    const { seqs, plan } = await readPage(titled('head of sales'), 500);
    expect(seqs).toEqual(fourths(2004));
    expect(plan).toContain('Index Scan using people_search_pkey');
    expect(plan).not.toContain('Sort');
  });

  it('is sorted where its matches are fewer than the leads before it', async () => {
    const { seqs, plan } = await readPage(titled('head of sales'), 22_000);
    expect(seqs).toEqual(fourths(88_004));
    expect(plan).toContain('Bitmap Index Scan on people_search_words');
  });

  it('is sorted where few match, which lie together', async () => {
    const { seqs, plan } = await readPage(titled('vet'), 200);
    expect(seqs).toEqual(Array.from({ length: 100 }, (_, i) => LEADS - 99 + i));
    expect(plan).toContain('Bitmap Index Scan on people_search_words');
  });

  it('counts a lead once that came with an address, of which another was found', async () => {
    const [own, bare] = await listLeadIds(knex, { orgId, filters: {}, offset: 0, limit: 2 });
    await execute(knex, 'UPDATE people_search SET has_email = true WHERE id = ?', [own]);
    for (const lead of [own, bare]) {
      await execute(
        knex,
        `INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, provider, enrichment_id, found_at)
         VALUES (?, ?, 'email', 'ada@mail.example', 'deliverable', 'hunter', ?, clock_timestamp())`,
        [orgId, lead, newId()],
      );
    }
    const reachable: Filters = { contact: { hasEmail: true } };
    expect(await countLeads(knex, { orgId, filters: reachable })).toBe(2);
    expect(await countLeads(knex, { orgId: newId(), filters: reachable })).toBe(1);
    const both = { contact: { hasEmail: true, hasPhone: true } };
    expect(await countLeads(knex, { orgId, filters: both })).toBe(0);
    expect(await countLeads(knex, { orgId, filters: { contact: { hasEmail: false } } })).toBe(LEADS - 2);
  });
});
