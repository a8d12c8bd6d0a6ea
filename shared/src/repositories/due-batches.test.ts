import { execute, query } from '../db/database';
import { newId } from '../domain/ids';
import { countBlocksRead } from '../testing/count-blocks';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { seedOrganisation } from '../testing/seed';
import { claimDueBatches } from './due-batches';

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

it('reads for a claim as much with 50,000 open batches of an organisation as with 500', async () => {
  const [small, large] = [await seedOpenBatches(500), await seedOpenBatches(50_000)];
  await query(database.knex, 'ANALYZE batches');
  const options = { checkSeconds: 2, queuedAtMost: 16, limit: 500 };
  const blocksOf = (...orgIds: string[]): Promise<number> =>
    countBlocksRead(database, () =>
      claimDueBatches(database.knex, { ...options, orgIds: orgIds.length > 0 ? orgIds : undefined }),
    );
  const blocks = await blocksOf(small);
  expect(await blocksOf(large)).toBeLessThan(2 * blocks + 100);
  expect(await blocksOf(small, large)).toBeLessThan(4 * blocks + 200);
  expect(await blocksOf()).toBeLessThan(4 * blocks + 200);
});
