import { createTestDatabase, type TestDatabase } from '../testing/database';
import { openDatabase, query, type Knex } from './database';
import { allowStatementTime } from './silence';

describe('the time that a transaction allows its statements', () => {
  const POOL_MS = 7_000;
  let database: TestDatabase;
  let knex: Knex;
  beforeAll(async () => {
    database = await createTestDatabase();
    // One connection: what a transaction leaves on it, the next one meets.
    const options = { poolSize: 1, applicationName: 'test', statementTimeoutMs: POOL_MS };
    knex = openDatabase({ url: database.url, ...options });
  });
  afterAll(async () => {
    await knex.destroy();
    await database.drop();
  });

  async function readTimeoutMs(db: Knex): Promise<number | undefined> {
    const sql = `SELECT setting::integer AS ms FROM pg_settings WHERE name = 'statement_timeout'`;
    return (await query<{ ms: number }>(db, sql))[0]?.ms;
  }

  function allow(allowancesMs: readonly number[]): Promise<number | undefined> {
    return knex.transaction(async (trx) => {
      for (const allowanceMs of allowancesMs) await allowStatementTime(trx, allowanceMs);
      return readTimeoutMs(trx);
    });
  }

  it.each([
    { allowancesMs: [600_000, 120_000], longestMs: 600_000 },
    { allowancesMs: [120_000, 600_000, 300_000], longestMs: 600_000 },
    { allowancesMs: [0, 120_000], longestMs: 0 },
    { allowancesMs: [120_000, 0, 600_000], longestMs: 0 },
    { allowancesMs: [1_000], longestMs: 1_000 },
  ])(
    'is the longest of $allowancesMs ms, and ends with the transaction',
    async ({ allowancesMs, longestMs }) => {
      expect(await allow(allowancesMs)).toBe(longestMs);
      expect(await readTimeoutMs(knex)).toBe(POOL_MS);
    },
  );

  it('ends with a transaction that is rolled back, and the next one may allow less', async () => {
    const failing = knex.transaction(async (trx) => {
      await allowStatementTime(trx, 0);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect(await allow([120_000])).toBe(120_000);
  });
});
