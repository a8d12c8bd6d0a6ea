import type { Client } from 'pg';
import type { Person } from '../clients/provider-client';
import type { BenchDatabase } from '../servers/bench-database';

/**
 * Fills the shared directory with so many leads, each another person at a company of its own, made by one statement; then
 * ANALYZE. Gives their ids in search order. They can be asked about by name and domain; search finds nothing in them.
 */
export async function loadLeads(database: BenchDatabase, count: number): Promise<string[]> {
  await database.load([{ sql: LEADS_SQL, values: [count] }, { sql: SEARCH_SQL }]);
  const client = await database.connect();
  const { rows } = await client.query<{ id: string }>('SELECT id FROM people ORDER BY seq');
  await client.end();
  return rows.map(({ id }) => id);
}

/** The hashes are no hashes of the names: enough that every lead has its own, as wide as theirs. */
const LEADS_SQL = `
  INSERT INTO people (id, seq, first_name, last_name, full_name, company_name, company_domain, linkedin_url,
    name_domain_hash, name_company_hash, linkedin_hash)
  SELECT gen_random_uuid(), i, 'Ada', 'Byron' || i, 'Ada Byron' || i, 'Engine ' || i, 'engine-' || i || '.example',
         'https://www.linkedin.com/in/ada-' || i, sha256(('d' || i)::bytea), sha256(('c' || i)::bytea),
         sha256(('l' || i)::bytea)
  FROM generate_series(1, $1::int) AS i`;

const SEARCH_SQL = 'INSERT INTO people_search (seq, id) SELECT seq, id FROM people';

/** What providers are asked about these leads, in the order of the ids. */
export async function readPeople(client: Client, ids: readonly string[]): Promise<Person[]> {
  const { rows } = await client.query<Person>(
    `SELECT p.id, p.first_name AS "firstName", p.last_name AS "lastName", p.company_domain AS domain
       FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, position) JOIN people p ON p.id = w.id ORDER BY w.position`,
    [ids],
  );
  return rows;
}

/** Hands out leads that nobody has ordered before. Throws when there are no more: the load was made too small. */
export class LeadSupply {
  private next = 0;

  constructor(private readonly ids: readonly string[]) {}

  take(count: number): string[] {
    const taken = this.ids.slice(this.next, this.next + count);
    if (taken.length < count) throw new Error(`There are only ${this.ids.length} leads; load more.`);
    this.next += count;
    return taken;
  }
}
