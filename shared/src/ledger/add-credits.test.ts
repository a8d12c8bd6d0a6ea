import { query } from '../db/database';
import { inTransaction } from '../db/transaction';
import { insertOrganisation } from '../repositories/organisations-admin';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { addCredits, MAX_ADDED_CREDITS } from './add-credits';

let database: TestDatabase;
let orgId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  orgId = await insertOrganisation(database.knex, 'Acme');
});
afterAll(() => database.drop());

const add = (amountCredits: number): Promise<number> =>
  inTransaction(database.knex, (trx) =>
    addCredits(trx, { orgId, amountCredits, source: 'manual', description: 'a gift' }),
  );

it('loses none of many additions at once, and writes a transaction for each', async () => {
  const balances = await Promise.all(Array.from({ length: 20 }, () => add(3)));
  expect(Math.max(...balances)).toBe(60);
  const transactions = await query(
    database.knex,
    `SELECT type, sum(amount) AS total, count(*) AS count, min(description) AS description
     FROM credit_transactions GROUP BY type`,
  );
  expect(transactions).toEqual([{ type: 'credit_added', total: 60, count: 20, description: 'a gift' }]);
});

it.each([0, -1, 1.5, NaN, MAX_ADDED_CREDITS + 1])('refuses to add %p credits', async (amount) => {
  await expect(add(amount)).rejects.toThrow(RangeError);
});
