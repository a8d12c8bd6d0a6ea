import { execute } from '../db/database';
import { inTransaction } from '../db/transaction';
import { newId } from '../domain/ids';
import { insertOrganisation } from '../repositories/organisations-admin';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { addCredits } from './add-credits';
import { audit } from './audit';

let database: TestDatabase;
let orgId: string;
let requestId: string;
let batchId: string;
let debitId: string;
let refundId: string;

const run = (sql: string, ...bindings: (string | number)[]): Promise<number> =>
  execute(database.knex, sql, bindings);

/** Books that add up: 100 added; a row found for 5, a row found nothing and refunded, one superseded, one pending. */
beforeEach(async () => {
  database = await createTestDatabase();
  [requestId, batchId, debitId, refundId] = [newId(), newId(), newId(), newId()];
  orgId = await insertOrganisation(database.knex, 'Acme');
  await inTransaction(database.knex, (trx) =>
    addCredits(trx, { orgId, amountCredits: 100, source: 'manual', description: '' }),
  );
  await run('UPDATE credit_accounts SET balance = balance - 15');
  await run(
    `INSERT INTO credit_transactions (id, org_id, type, amount, operation_type)
     VALUES (?, ?, 'credit_consumed', 20, 'enrichment_email'), (?, ?, 'credit_refunded', 5, 'enrichment_email')`,
    debitId,
    orgId,
    refundId,
    orgId,
  );
  await run(
    `INSERT INTO requests (id, org_id, created_by, field, mode, total, credits_charged, credit_transaction_id)
     VALUES (?, ?, 'ann', 'emails', 'manual', 4, 20, ?)`,
    requestId,
    orgId,
    debitId,
  );
  await run(
    `INSERT INTO batches (id, org_id, request_id, field, priority, size, deadline_at, next_check_at)
     VALUES (?, ?, ?, 'emails', 1, 4, clock_timestamp() + interval '1 hour', clock_timestamp())`,
    batchId,
    orgId,
    requestId,
  );
  await insertRow({ status: 'finished', found: 'true' });
  await insertRow({ status: 'finished', found: 'false', refund: refundId });
  await insertRow({ status: 'finished', found: 'true', superseded: 'clock_timestamp()' });
  await insertRow({ status: 'pending', found: 'null' });
});
afterEach(() => database.drop());

async function insertRow(row: {
  status: string;
  found: string;
  refund?: string;
  superseded?: string;
  lead?: string;
}): Promise<void> {
  const ended = row.status === 'pending' ? 'NULL' : 'clock_timestamp()';
  await run(
    `INSERT INTO enrichments (id, org_id, entity_id, field, status, data_found, created_by, request_id, batch_id,
       lookup_id, price, credit_transaction_id, refund_transaction_id, created_at, updated_at, ended_at, superseded_at)
     VALUES (?, ?, ?, 'emails', ?, ${row.found}, 'ann', ?, ?, ?, 5, ?, CAST(NULLIF(?, '') AS uuid),
       clock_timestamp(), clock_timestamp(), ${ended}, ${row.superseded ?? 'NULL'})`,
    newId(),
    orgId,
    row.lead ?? newId(),
    row.status,
    requestId,
    batchId,
    newId(),
    debitId,
    row.refund ?? '',
  );
}

/** Runs statements past every trigger and foreign key, as damage would. */
async function plant(...statements: string[]): Promise<void> {
  await database.knex.transaction(async (trx) => {
    await execute(trx, 'SET LOCAL session_replication_role = replica');
    for (const sql of statements) await execute(trx, sql);
  });
}

async function violations(): Promise<Record<string, number>> {
  const { ok, invariants } = await audit(database.knex);
  const violated = invariants.filter((invariant) => invariant.violations > 0);
  expect(ok).toBe(violated.length === 0);
  expect(invariants).toHaveLength(6);
  return Object.fromEntries(violated.map((invariant) => [invariant.name, invariant.violations]));
}

it('finds nothing wrong with books that add up, nor with an empty database', async () => {
  expect(await violations()).toEqual({});
  const empty = await createTestDatabase();
  try {
    expect((await audit(empty.knex)).ok).toBe(true);
  } finally {
    await empty.drop();
  }
});

it.each([
  ['a balance that was raised', 'UPDATE credit_accounts SET balance = balance + 1'],
  ['an account that is gone', 'DELETE FROM credit_accounts'],
  ['a negative balance', 'UPDATE credit_accounts SET balance = -1'],
])('finds %s', async (_what, sql) => {
  await plant('ALTER TABLE credit_accounts DROP CONSTRAINT credit_accounts_balance_check', sql);
  expect(await violations()).toEqual({ balance_equals_transactions: 1 });
});

it('finds a transaction that was rewritten, in the balance and against its rows', async () => {
  await plant(`UPDATE credit_transactions SET amount = 19 WHERE type = 'credit_consumed'`);
  expect(await violations()).toEqual({ balance_equals_transactions: 1, transactions_equal_prices: 1 });
});

it('finds a price that was changed, of a superseded row too', async () => {
  await plant('UPDATE enrichments SET price = 6 WHERE superseded_at IS NOT NULL');
  expect(await violations()).toEqual({ transactions_equal_prices: 1 });
});

it('finds a refund that names no rows, and rows that name another organisation’s debit', async () => {
  const other = await insertOrganisation(database.knex, 'Beta');
  await plant(
    `UPDATE enrichments SET refund_transaction_id = NULL`,
    `UPDATE enrichments SET org_id = '${other}' WHERE superseded_at IS NOT NULL`,
  );
  expect(await violations()).toEqual({
    // The refund lacks its row; the debit lacks one; the strange row lacks its debit.
    transactions_equal_prices: 3,
    refunds_match_outcomes: 1,
  });
});

it('finds a row that was refunded although something was found', async () => {
  await plant(`UPDATE enrichments SET refund_transaction_id = '${refundId}' WHERE superseded_at IS NOT NULL`);
  expect(await violations()).toEqual({ transactions_equal_prices: 1, refunds_match_outcomes: 1 });
});

it('finds a row that was never refunded, and one refunded while it pends', async () => {
  await plant(
    `UPDATE enrichments SET refund_transaction_id = '${refundId}' WHERE status = 'pending'`,
    `UPDATE enrichments SET refund_transaction_id = NULL WHERE status = 'finished'`,
  );
  expect(await violations()).toEqual({ refunds_match_outcomes: 2 });
});

it('finds a price without a debit', async () => {
  const [constraint] = (
    await database.knex.raw<{ rows: { conname: string }[] }>(
      `SELECT conname FROM pg_constraint WHERE conrelid = 'enrichments'::regclass AND contype = 'c'
       AND pg_get_constraintdef(oid) LIKE '%credit_transaction_id IS NULL%'`,
    )
  ).rows;
  await plant(
    `ALTER TABLE enrichments DROP CONSTRAINT ${constraint?.conname}`,
    `UPDATE enrichments SET credit_transaction_id = NULL WHERE superseded_at IS NOT NULL`,
  );
  expect(await violations()).toEqual({ transactions_equal_prices: 1, refunds_match_outcomes: 1 });
});

it('finds two live rows for one lead and field', async () => {
  await plant(
    'DROP INDEX enrichments_live',
    `UPDATE enrichments SET superseded_at = NULL`,
    `UPDATE enrichments SET entity_id = '${newId()}'`,
  );
  expect(await violations()).toEqual({ one_live_row: 1 });
});

it('finds pending rows of a complete or missing batch, and a batch without its request', async () => {
  await plant('UPDATE batches SET completed_at = clock_timestamp()');
  expect(await violations()).toEqual({ pending_rows_are_batched: 1 });
  await plant('UPDATE batches SET completed_at = NULL', 'DELETE FROM requests');
  expect(await violations()).toEqual({ pending_rows_are_batched: 1 });
  await plant('DELETE FROM batches');
  expect(await violations()).toEqual({ pending_rows_are_batched: 1 });
});

it('finds a row that pends more than a minute past its deadline, and not before', async () => {
  await plant(`UPDATE batches SET deadline_at = clock_timestamp() - interval '50 seconds'`);
  expect(await violations()).toEqual({});
  await plant(`UPDATE batches SET deadline_at = clock_timestamp() - interval '61 seconds'`);
  expect(await violations()).toEqual({ no_row_outlives_its_deadline: 1 });
});

it('sees running transactions whole or not at all', async () => {
  const add = (): Promise<number> =>
    inTransaction(database.knex, (trx) =>
      addCredits(trx, { orgId, amountCredits: 1, source: 'manual', description: '' }),
    );
  let isDone = false;
  const adding = (async () => {
    for (let i = 0; i < 100; i++) await add();
    isDone = true;
  })();
  while (!isDone) expect(await violations()).toEqual({});
  await adding;
});
