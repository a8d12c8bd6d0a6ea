/** Over a real database, whose accounts the tests hold. */
import { openDatabase, query, type Knex } from '@leadwell/shared/db/database';
import type { Ending } from '@leadwell/shared/domain/ending';
import { audit } from '@leadwell/shared/ledger/audit';
import { lockCreditAccount } from '@leadwell/shared/ledger/lock-account';
import { claimLease } from '@leadwell/shared/repositories/leases';
import type { LeasedBatch, Settlement } from '@leadwell/shared/settle/settle';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { readBalance, seedAccepted, seedLeads, seedOrganisation } from '@leadwell/shared/testing/seed';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Settler } from './settler';

let database: TestDatabase;
let knex: Knex;
let settler: Settler;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  // A statement waits for as long as a test holds an account, however busy the machine is.
  const bounds = { acquireTimeoutMs: 20_000, statementTimeoutMs: 120_000 };
  knex = openDatabase({ url: database.url, poolSize: 3, applicationName: 'settler', ...bounds });
  settler = new Settler({ knex });
});
afterEach(() => knex.destroy());

/** Groups that find nothing, of so many leased batches of one lead each; each pays 5 credits back. */
async function seedGroups(orgId: string, count: number): Promise<Settlement[]> {
  const groups: Settlement[] = [];
  for (const leadId of await seedLeads(database.knex, count)) {
    const { batchId, enrichmentIds } = await seedAccepted(database.knex, { orgId, leadIds: [leadId] });
    const options = { batchId, leaseSeconds: 300, workerName: 'test', alsoReturned: true };
    const batch = (await claimLease(database.knex, options)) as LeasedBatch;
    const ended = { found: false, status: 'finished', error: null, lookupId: null, attempts: [] } as const;
    groups.push({
      batch,
      endings: enrichmentIds.map((enrichmentId): Ending => ({ enrichmentId, ...ended })),
    });
  }
  return groups;
}

interface Hold {
  pid: number;
  release(): Promise<void>;
}

/** Holds the account, as a process does that stands still. */
async function holdAccount(orgId: string): Promise<Hold> {
  const holder = await database.knex.transaction();
  await lockCreditAccount(holder, orgId);
  const [session] = await query<{ pid: number }>(holder, 'SELECT pg_backend_pid() AS pid');
  return {
    pid: session?.pid ?? Number.NaN,
    release: async () => {
      await holder.rollback();
    },
  };
}

/** Of each connection that waits for an account, who holds that. */
async function listAwaited(applicationName = 'settler'): Promise<number[]> {
  const rows = await query<{ pid: number }>(
    database.knex,
    `SELECT (pg_blocking_pids(pid))[1] AS pid FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = ? AND wait_event_type = 'Lock'`,
    [applicationName],
  );
  return rows.map(({ pid }) => pid);
}

const countWaiting = async (): Promise<number> => (await listAwaited()).length;

async function settleFree(): Promise<string> {
  const orgId = await seedOrganisation(database.knex, 100);
  const [group] = await seedGroups(orgId, 1);
  await settler.settle(group as Settlement);
  return orgId;
}

async function expectSettledOnce(orgId: string, groups: number): Promise<void> {
  expect(await readBalance(database.knex, orgId)).toBe(1_000);
  const refunds = await query<{ amount: number }>(
    database.knex,
    `SELECT amount FROM credit_transactions WHERE org_id = ? AND type = 'credit_refunded'`,
    [orgId],
  );
  expect(refunds.map(({ amount }) => amount)).toEqual(Array.from({ length: groups }, () => 5));
  const { ok, invariants } = await audit(database.knex);
  expect({ ok, invariants: ok ? [] : invariants }).toEqual({ ok: true, invariants: [] });
}

describe('a settler', () => {
  it('waits with one connection for an account that is held, and settles all of its batches once it is free', async () => {
    const orgId = await seedOrganisation(database.knex, 1_000);
    const groups = await seedGroups(orgId, 40);
    const hold = await holdAccount(orgId);
    const settling = groups.map((group) => settler.settle(group));
    await waitUntil(async () => (await countWaiting()) > 0);
    const free = await settleFree();
    expect(await readBalance(database.knex, free)).toBe(100);
    expect(await countWaiting()).toBe(1);
    await hold.release();
    for (const result of await Promise.all(settling))
      expect(result).toMatchObject({ stale: false, batchCompleted: true, refundedCredits: 5 });
    await expectSettledOnce(orgId, 40);
    expect(settler.inLineCount).toBe(0);
  });

  it('waits for two accounts at once, and settles the others meanwhile', async () => {
    const orgIds: string[] = [];
    const groups: Settlement[][] = [];
    for (let i = 0; i < 4; i++) {
      const orgId = await seedOrganisation(database.knex, 1_000);
      orgIds.push(orgId);
      groups.push(await seedGroups(orgId, 6));
    }
    const holds = await Promise.all(orgIds.map(holdAccount));
    const settling = groups.map((own) => Promise.all(own.map((group) => settler.settle(group))));
    await waitUntil(async () => settler.inLineCount === 4 && (await countWaiting()) === 2);
    expect(await readBalance(database.knex, await settleFree())).toBe(100);
    // Its turn has not come: it is settled as soon as its account is seen free.
    await holds[3]?.release();
    await settling[3];
    expect(await countWaiting()).toBe(2);
    // One that was waited for: the third one's turn comes.
    await holds[0]?.release();
    await settling[0];
    await waitUntil(async () => (await countWaiting()) === 2);
    expect(settler.inLineCount).toBe(2);
    await Promise.all(holds.slice(1, 3).map((hold) => hold.release()));
    await Promise.all(settling);
    for (const orgId of orgIds) await expectSettledOnce(orgId, 6);
    expect(settler.inLineCount).toBe(0);
  });

  it('gives the turn to the next organisation after each transaction', async () => {
    settler = new Settler({ knex, accountsAwaitedAtMost: 1 });
    const [busy, next] = [
      await seedOrganisation(database.knex, 1_000),
      await seedOrganisation(database.knex, 1_000),
    ];
    // One more than a transaction takes.
    const [many, few] = [await seedGroups(busy, 17), await seedGroups(next, 1)];
    const [first, other] = [await holdAccount(busy), await holdAccount(next)];
    const settling = many.map((group) => settler.settle(group));
    await waitUntil(async () => (await countWaiting()) === 1);
    settling.push(...few.map((group) => settler.settle(group)));
    await waitUntil(() => settler.inLineCount === 2);
    const again = holdAccount(busy);
    await waitUntil(async () => (await listAwaited('test')).length === 1);
    await first.release();
    await waitUntil(async () => (await listAwaited()).includes(other.pid));
    expect(await countWaiting()).toBe(1);
    await (await again).release();
    await other.release();
    await Promise.all(settling);
    await expectSettledOnce(busy, 17);
    await expectSettledOnce(next, 1);
  });

  it('fails a group in line for its own fault alone', async () => {
    const orgId = await seedOrganisation(database.knex, 1_000);
    const groups = await seedGroups(orgId, 4);
    const { batch, endings } = groups[1] as Settlement;
    const faulty = { batch, endings: endings.map((ending) => ({ ...ending, enrichmentId: 'no id' })) };
    const hold = await holdAccount(orgId);
    const settling = [groups[0], faulty, groups[2]].map((group) => settler.settle(group as Settlement));
    const settled = Promise.allSettled(settling);
    await waitUntil(async () => (await countWaiting()) === 1);
    await hold.release();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await settler.settle(groups[1] as Settlement);
    await settler.settle(groups[3] as Settlement);
    await expectSettledOnce(orgId, 4);
    expect(settler.inLineCount).toBe(0);
  });

  it('lets all groups in line fail where the database cannot serve, and leaves the line', async () => {
    const orgId = await seedOrganisation(database.knex, 1_000);
    const groups = await seedGroups(orgId, 3);
    const hold = await holdAccount(orgId);
    const settled = Promise.allSettled(groups.map((group) => settler.settle(group)));
    await waitUntil(async () => (await countWaiting()) === 1);
    await query(
      database.knex,
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'settler' AND wait_event_type = 'Lock'`,
    );
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(settler.inLineCount).toBe(0);
    await hold.release();
    await Promise.all(groups.map((group) => settler.settle(group)));
    await expectSettledOnce(orgId, 3);
  });
});
