import { Client } from 'pg';
import type { TestDatabase } from './database';

interface PlanNode {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
}

/** The 8 kB blocks that the first statement of `run` reads: what a plan costs, on any machine. */
export async function countBlocksRead(database: TestDatabase, run: () => Promise<unknown>): Promise<number> {
  const statements: { sql: string; bindings: unknown[] }[] = [];
  const note = (statement: { sql: string; bindings: unknown[] }): number => statements.push(statement);
  database.knex.on('query', note);
  await run();
  database.knex.off('query', note);
  const [first] = statements;
  // By the driver itself: what knex says that it sent has $1, $2 … where `query` takes `?`.
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const explained = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${first?.sql ?? ''}`,
    first?.bindings ?? [],
  );
  await client.end();
  const plan = explained.rows[0]?.['QUERY PLAN'][0]?.Plan;
  return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
}
