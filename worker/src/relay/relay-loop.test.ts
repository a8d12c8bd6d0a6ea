import { execute, query } from '@leadwell/shared/db/database';
import { deleteOldIdempotencyKeys } from '@leadwell/shared/repositories/idempotency-keys';
import { createLogger } from '@leadwell/shared/runtime/logger';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { seedAccepted, seedLeads, seedOrganisation } from '@leadwell/shared/testing/seed';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { startRelayLoop, type RelayLoopOptions } from './relay-loop';

const logger = createLogger({ level: 'silent', name: 'test' });

function start(options: Partial<RelayLoopOptions>) {
  const relay = { publish: () => Promise.resolve() };
  return startRelayLoop({ relay, tidy: () => Promise.resolve(), checkSeconds: 0.01, logger, ...options });
}

describe('the relay loop', () => {
  it('tidies at its start and then once in the interval, not at every step', async () => {
    let [steps, tidied] = [0, 0];
    const relay = { publish: () => Promise.resolve(void steps++) };
    const loop = start({ relay, tidy: () => Promise.resolve(tidied++) });
    await waitUntil(() => steps >= 20);
    await loop.stop();
    expect(tidied).toBe(1);
    const often = start({ tidy: () => Promise.resolve(tidied++), tidyEveryMs: 20 });
    await waitUntil(() => tidied >= 4);
    await often.stop();
  });

  it('goes on where tidying fails', async () => {
    let steps = 0;
    const relay = { publish: () => Promise.resolve(void steps++) };
    const loop = start({ relay, tidy: () => Promise.reject(new Error('away')), tidyEveryMs: 1 });
    await waitUntil(() => steps >= 5);
    await loop.stop();
  });
});

describe('deleteOldIdempotencyKeys', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('deletes every key older than 48 hours, however many, and no younger one', async () => {
    const orgId = await seedOrganisation(database.knex, 100);
    const leadIds = await seedLeads(database.knex, 1);
    const { requestId } = await seedAccepted(database.knex, { orgId, leadIds });
    await execute(
      database.knex,
      `INSERT INTO idempotency_keys (org_id, key, fingerprint, request_id, created_at)
       SELECT ?, 'k' || n, 'x', ?, clock_timestamp() - CASE WHEN n <= 25000 THEN interval '49 hours' ELSE interval '47 hours' END
         FROM generate_series(1, 25010) n`,
      [orgId, requestId],
    );
    const deleted = await Promise.all([1, 2].map(() => deleteOldIdempotencyKeys(database.knex)));
    expect(deleted.reduce((sum, one) => sum + one)).toBe(25_000);
    expect(await query(database.knex, 'SELECT count(*) AS n FROM idempotency_keys')).toEqual([{ n: 10 }]);
  });
});
