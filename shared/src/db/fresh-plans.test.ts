import { createTestDatabase, type TestDatabase } from '../testing/database';
import { openDatabase, query, queryPrepared, type Knex } from './database';

describe('a connection', () => {
  let database: TestDatabase;
  let knex: Knex;
  beforeAll(async () => {
    database = await createTestDatabase();
    const options = { url: database.url, poolSize: 1, applicationName: 'test-plans' };
    knex = openDatabase({ ...options, readsByIndex: true, plansOnce: true });
    await knex.raw(
      'CREATE TABLE shelf (id int PRIMARY KEY, title text NOT NULL) WITH (autovacuum_enabled = off)',
    );
    await knex.raw('VACUUM ANALYZE shelf');
  });
  afterAll(async () => {
    await knex.destroy();
    await database.drop();
  });

  const find = (): Promise<unknown[]> =>
    queryPrepared(knex, 'SELECT s.title FROM unnest(:ids::int[]) AS w (id) JOIN shelf s ON s.id = w.id', {
      ids: [1, 2, 3],
    });

  it('drops a plan that was made for an empty table, and reads all of it, soon after it is filled', async () => {
    await find();
    expect(await describePlan()).toContain('Index Scan using shelf_pkey');
    expect(await describePlan()).not.toContain('Index Cond');
    await knex.raw(`INSERT INTO shelf SELECT n, 'book ' || n FROM generate_series(1, 5000) n`);
    for (let at = 0; at < 32; at++) expect(await find()).toHaveLength(3);
    expect(await describePlan()).toContain('Index Cond: (id = w.id)');
  });

  /** As this connection would run it now. */
  async function describePlan(): Promise<string> {
    const [statement] = await query<{ name: string }>(
      knex,
      `SELECT name FROM pg_prepared_statements WHERE statement LIKE '%JOIN shelf s%'`,
    );
    const rows = await query<{ 'QUERY PLAN': string }>(
      knex,
      `EXPLAIN EXECUTE "${statement?.name}"('{1,2,3}')`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  }
});
