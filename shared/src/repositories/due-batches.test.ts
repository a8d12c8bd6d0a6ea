import { Client } from 'pg';
import { execute, query } from '../db/database';
import { newId } from '../domain/ids';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { seedOrganisation } from '../testing/seed';
import { claimDueBatches, type ClaimOptions } from './due-batches';

interface PlanNode {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function seedOpenBatches(count: number): Promise<string> {
  const orgId = await seedOrganisation(database.knex, 0);
  const requestId = newId();
  await execute(
    database.knex,
    `INSERT INTO requests (id, org_id, created_by, field, mode, total, credits_charged)
     VALUES (:requestId, :orgId, 'test', 'emails', 'manual', :count, 0)`,
    { requestId, orgId, count },
  );
  await execute(
    database.knex,
    `INSERT INTO batches (id, org_id, request_id, field, priority, size, deadline_at, next_check_at)
     SELECT gen_random_uuid(), :orgId, :requestId, 'emails', 1, 1, clock_timestamp() + interval '1 day', clock_timestamp()
       FROM generate_series(1, :count)`,
    { orgId, requestId, count },
  );
  return orgId;
}

/** The 8 kB blocks that one claim reads. */
async function countBlocksRead(options: ClaimOptions): Promise<number> {
  const statements: { sql: string; bindings: unknown[] }[] = [];
  const note = (statement: { sql: string; bindings: unknown[] }): number => statements.push(statement);
  database.knex.on('query', note);
  await claimDueBatches(database.knex, options);
  database.knex.off('query', note);
  const [claim] = statements;
  // By the driver itself: what knex says that it sent has $1, $2 … where `query` takes `?`.
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const explained = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${claim?.sql ?? ''}`,
    claim?.bindings ?? [],
  );
  await client.end();
  const plan = explained.rows[0]?.['QUERY PLAN'][0]?.Plan;
  return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
}

it('reads for a claim as much with 50,000 open batches of an organisation as with 500', async () => {
  const [small, large] = [await seedOpenBatches(500), await seedOpenBatches(50_000)];
  await query(database.knex, 'ANALYZE batches');
  const options = { checkSeconds: 2, queuedAtMost: 16, limit: 500 };
  const blocks = await countBlocksRead({ ...options, orgId: small });
  expect(await countBlocksRead({ ...options, orgId: large })).toBeLessThan(2 * blocks + 100);
  expect(await countBlocksRead({ ...options, orgId: undefined })).toBeLessThan(4 * blocks + 200);
});
