import { execute, query } from '../db/database';
import type { Ending } from '../domain/ending';
import { audit } from '../ledger/audit';
import { lockCreditAccount } from '../ledger/lock-account';
import { claimLease } from '../repositories/leases';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { readBalance, seedAccepted, seedLeads, seedOrganisation } from '../testing/seed';
import { settleTogether, type LeasedBatch, type Settlement } from './settle';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

interface Leased {
  batch: LeasedBatch;
  enrichmentIds: string[];
}

/** A leased batch of so many rows, of an organisation with credits for them. */
async function lease(orgId: string, leads: number): Promise<Leased> {
  const accepted = await seedAccepted(database.knex, {
    orgId,
    leadIds: await seedLeads(database.knex, leads),
  });
  const { batchId, enrichmentIds } = accepted;
  const options = { batchId, leaseSeconds: 8, workerName: 'test', alsoReturned: true };
  return {
    batch: (await claimLease(database.knex, options)) as LeasedBatch,
    enrichmentIds: [...enrichmentIds],
  };
}

function notFound({ batch, enrichmentIds }: Leased, atMost = enrichmentIds.length): Settlement {
  const endings = enrichmentIds.slice(0, atMost).map((enrichmentId): Ending => {
    return { enrichmentId, found: false, status: 'finished', error: null, lookupId: null, attempts: [] };
  });
  return { batch, endings };
}

async function listRefunds(orgId: string): Promise<number[]> {
  const rows = await query<{ amount: number }>(
    database.knex,
    `SELECT amount FROM credit_transactions WHERE org_id = ? AND type = 'credit_refunded' ORDER BY amount`,
    [orgId],
  );
  return rows.map(({ amount }) => amount);
}

describe('settling batches together', () => {
  it('refunds each organisation its own, and tells of each batch what became of it', async () => {
    const [one, other] = [
      await seedOrganisation(database.knex, 100),
      await seedOrganisation(database.knex, 100),
    ];
    const [first, second] = [await lease(one, 3), await lease(other, 2)];
    const results = await settleTogether(database.knex, [notFound(first, 1), notFound(second)]);
    expect(results).toMatchObject([
      {
        stale: false,
        batchCompleted: false,
        refundedCredits: 5,
        ended: new Set(first.enrichmentIds.slice(0, 1)),
      },
      { stale: false, batchCompleted: true, refundedCredits: 10, ended: new Set(second.enrichmentIds) },
    ]);
    expect(await listRefunds(one)).toEqual([5]);
    expect(await listRefunds(other)).toEqual([10]);
    expect(await readBalance(database.knex, one)).toBe(100 - 15 + 5);
    expect(await readBalance(database.knex, other)).toBe(100 - 10 + 10);
  });

  it('leaves a batch alone that another has taken, and settles the others', async () => {
    const orgId = await seedOrganisation(database.knex, 100);
    const [taken, kept] = [await lease(orgId, 1), await lease(orgId, 1)];
    await execute(database.knex, 'UPDATE batches SET fence = fence + 1 WHERE id = ?', [taken.batch.id]);
    const results = await settleTogether(database.knex, [notFound(taken), notFound(kept)]);
    expect(results).toMatchObject([{ stale: true }, { stale: false, batchCompleted: true }]);
    expect(await listRefunds(orgId)).toEqual([5]);
  });

  it('refunds a request of several batches once for all of them', async () => {
    const orgId = await seedOrganisation(database.knex, 100);
    const [first, second] = [await lease(orgId, 2), await lease(orgId, 1)];
    const { requestId } = first.batch;
    await execute(database.knex, 'UPDATE batches SET request_id = ? WHERE id = ?', [
      requestId,
      second.batch.id,
    ]);
    const batch = { ...second.batch, requestId };
    const results = await settleTogether(database.knex, [notFound(first), { ...notFound(second), batch }]);
    expect(results).toMatchObject([{ refundedCredits: 10 }, { refundedCredits: 5 }]);
    expect(await listRefunds(orgId)).toEqual([15]);
  });

  it('ends nothing twice, however many settle the same, in whatever order', async () => {
    const orgIds = await Promise.all([1, 2, 3].map(() => seedOrganisation(database.knex, 100)));
    const leased = await Promise.all(orgIds.map((orgId) => lease(orgId, 4)));
    const orders = [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [2, 0, 1],
      [0, 2, 1],
      [1, 2, 0],
    ];
    await Promise.all(
      orders.map((order) =>
        settleTogether(
          database.knex,
          order.map((i) => notFound(leased[i] as Leased)),
        ),
      ),
    );
    // Whoever came first had each of them, and nobody waited.
    for (const orgId of orgIds) expect(await listRefunds(orgId)).toEqual([20]);
    const { ok, invariants } = await audit(database.knex);
    expect({ ok, invariants: ok ? [] : invariants }).toEqual({ ok: true, invariants: [] });
  });

  it('waits for no account that another holds, and settles the others', async () => {
    const [held, free] = [
      await seedOrganisation(database.knex, 100),
      await seedOrganisation(database.knex, 100),
    ];
    const [first, second] = [await lease(held, 1), await lease(free, 1)];
    await database.knex.transaction(async (holder) => {
      await lockCreditAccount(holder, held);
      const results = await settleTogether(database.knex, [notFound(first), notFound(second)]);
      expect(results).toMatchObject([null, { stale: false, batchCompleted: true }]);
    });
    expect(await listRefunds(held)).toEqual([]);
    expect(await listRefunds(free)).toEqual([5]);
  });
});
