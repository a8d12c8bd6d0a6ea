import {
  bookProviderCalls,
  type BookingReply,
  type BookingRequest,
} from '@leadwell/shared/repositories/provider-limits';
import { execute, openDatabase, query, type Knex } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { openBreaker } from '@leadwell/shared/repositories/provider-breakers';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const START_MS = 1_800_000_000_000;

const REQUEST = {
  ...{ heldPlaces: 0, placedCount: 0, windows: [], concurrent: 1_000_000 },
  ...{ leadMs: 0, slackMs: 0, placeMs: 60_000, probeMs: 60_000 },
};

/** A process whose calls end at once, at a time that the test sets. */
function booker(over: Partial<BookingRequest>) {
  const account = newId();
  const holderId = newId();
  return async (atMs: number, records: number[], more: Partial<BookingRequest> = {}): Promise<FlatReply> => {
    const reply = await bookProviderCalls(database.knex, {
      account,
      holderId,
      ...REQUEST,
      ...over,
      ...more,
      records,
      clockMs: START_MS + atMs,
    });
    const { leaveFromMs = 0, leaveUntilMs = 0 } = reply.departures[0] ?? {};
    return { ...reply, leaveFromMs, leaveUntilMs };
  };
}

/** With the times of the calls that leave first. */
type FlatReply = BookingReply & { leaveFromMs: number; leaveUntilMs: number };

const calls = (amount: number, windowMs: number) => ({ amount, windowMs, unit: 'calls' as const });
const ones = (count: number): number[] => Array<number>(count).fill(1);

describe('the bookings of one account', () => {
  it('grant the amount at once, then exactly one window later', async () => {
    const book = booker({ windows: [calls(9, 1000)] });
    expect(await book(0, ones(40))).toMatchObject({ granted: 9, leaveFromMs: START_MS });
    expect(await book(10, ones(40))).toMatchObject({ granted: 0, waitsFor: 'limit', waitMs: 990 });
    expect(await book(999, ones(40))).toMatchObject({ granted: 0 });
    expect(await book(1000, ones(40))).toMatchObject({ granted: 9 });
  });

  it('come evenly where the window is short and the amount large', async () => {
    const book = booker({ windows: [calls(200, 1000), calls(500, 60_000)], leadMs: 20 });
    expect(await book(0, ones(40))).toMatchObject({ granted: 5, leaveFromMs: START_MS + 20 });
    expect(await book(20, ones(40))).toMatchObject({ granted: 5, leaveFromMs: START_MS + 40 });
    expect(await book(20, ones(40))).toMatchObject({ granted: 0, waitMs: 40 });
    const slow = booker({ windows: [calls(500, 60_000)] });
    expect(await slow(0, ones(600))).toMatchObject({ granted: 500 });
  });

  it('count a call that went out late for as much longer', async () => {
    const book = booker({ windows: [calls(5, 1000)] });
    const { leaveFromMs } = await book(0, ones(5));
    expect(await book(500, [], { late: [{ leaveFromMs, sentMs: START_MS + 200 }] })).toMatchObject({
      granted: 0,
    });
    expect(await book(1000, ones(5))).toMatchObject({ granted: 0, waitMs: 200 });
    expect(await book(1200, ones(5))).toMatchObject({ granted: 5 });
  });

  it('are not held up by one that went out late, but for what it takes itself', async () => {
    const book = booker({ windows: [calls(6, 1000)] });
    const { leaveFromMs } = await book(0, ones(2));
    await book(100, ones(4));
    await book(200, [], { late: [{ leaveFromMs, sentMs: START_MS + 150 }] });
    expect(await book(1_000, ones(6))).toMatchObject({ granted: 0, waitMs: 100 });
    expect(await book(1_100, ones(6))).toMatchObject({ granted: 4 });
    expect(await book(1_149, ones(6))).toMatchObject({ granted: 0, waitMs: 1 });
    expect(await book(1_150, ones(6))).toMatchObject({ granted: 2 });
  });

  it('count a call until one window after it may have left', async () => {
    const book = booker({ windows: [calls(5, 1000)], slackMs: 20 });
    expect((await book(0, ones(5))).leaveUntilMs).toBe(START_MS + 20);
    expect(await book(1000, ones(5))).toMatchObject({ granted: 0, waitMs: 20 });
    expect(await book(1020, ones(5))).toMatchObject({ granted: 5 });
  });

  it('are made ahead of their time, by the lead and no more', async () => {
    const book = booker({ windows: [calls(5, 1000)], leadMs: 50 });
    await book(0, ones(5));
    expect(await book(999, ones(5))).toMatchObject({ granted: 0, waitMs: 51 });
    expect(await book(1000, ones(5))).toMatchObject({ granted: 5, leaveFromMs: START_MS + 1050 });
  });

  it('count no longer for what a call gets ready meanwhile where the limit is used up, and do for one that may leave at once', async () => {
    const book = booker({ windows: [calls(5, 1000)], leadMs: 300, slackMs: 10 });
    const sharp = { leaveFromMs: START_MS + 300, leaveUntilMs: START_MS + 310 };
    expect(await book(0, ones(6))).toMatchObject({ granted: 5, ...sharp });
    expect(await book(800, ones(1))).toMatchObject({ granted: 0, waitMs: 510 });
    const alone = booker({ windows: [calls(5, 1000)], leadMs: 300, slackMs: 10 });
    expect(await alone(0, ones(1))).toMatchObject({ leaveFromMs: START_MS, leaveUntilMs: START_MS + 310 });
  });

  it('are made for a stretch of time at once where the limit is used up', async () => {
    const book = booker({
      windows: [calls(200, 1000)],
      leadMs: 40,
      slackMs: 15,
      aheadMs: 300,
      spreadMs: 100,
    });
    await book(0, ones(200), { aheadMs: 1000, spreadMs: 1000 });
    const { granted, departures, waitsFor } = await book(900, ones(100));
    const times = departures.map(({ leaveFromMs }) => leaveFromMs - START_MS);
    // As many as left in that stretch a second ago, each at its own time and with no more slack than asked for.
    expect(times.length).toBeGreaterThan(3);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThanOrEqual(100);
    expect(granted).toBe(departures.reduce((sum, departure) => sum + departure.calls, 0));
    for (const { leaveFromMs, leaveUntilMs } of departures.slice(1))
      expect(leaveUntilMs - leaveFromMs).toBeLessThan(16);
    expect(waitsFor).toBeNull();
    // Never further ahead than that, however many wait.
    expect(await book(700, ones(100))).toMatchObject({ granted: 0, waitsFor: 'limit' });
  });

  it('wait for the disk unless something durable follows, and never let other statements off', async () => {
    const book = (trx: Knex, deferred: boolean): Promise<BookingReply> =>
      bookProviderCalls(trx, { ...REQUEST, account: newId(), holderId: newId(), records: [1], deferred });
    const setting = async (trx: Knex): Promise<string> =>
      (await query<{ synchronous_commit: string }>(trx, 'SHOW synchronous_commit'))[0]?.synchronous_commit ??
      '';
    const knex = openDatabase({ url: database.url, poolSize: 1, applicationName: 'test-booking' });
    try {
      await execute(knex, 'SET synchronous_commit = on');
      const within: string[] = [];
      for (const deferred of [false, true]) {
        await knex.transaction(async (trx) => {
          await book(trx, deferred);
          within.push(await setting(trx));
        });
      }
      expect([...within, await setting(knex)]).toEqual(['on', 'off', 'on']);
    } finally {
      await knex.destroy();
    }
  });

  it('take no more places than there are, also ahead', async () => {
    const book = booker({
      windows: [calls(200, 1000)],
      leadMs: 40,
      aheadMs: 500,
      spreadMs: 500,
      concurrent: 30,
    });
    expect(await book(0, ones(40))).toMatchObject({ granted: 30, waitsFor: 'places' });
  });

  it('are held by all windows or made in none', async () => {
    const book = booker({ windows: [calls(10, 1000), calls(15, 60_000)] });
    expect(await book(0, ones(20))).toMatchObject({ granted: 10 });
    expect(await book(2000, ones(20))).toMatchObject({ granted: 5 });
    expect(await book(3000, ones(20))).toMatchObject({ granted: 0, waitMs: 57_000 });
    expect(await book(60_000, ones(20))).toMatchObject({ granted: 10 });
    // What the minute refused at 3 s took nothing from the second.
    expect(await book(62_000, ones(20))).toMatchObject({ granted: 5 });
  });

  it('count records where the limit does', async () => {
    const book = booker({ windows: [{ amount: 10, windowMs: 1000, unit: 'records' }] });
    expect(await book(0, [4, 4, 4])).toMatchObject({ granted: 2 });
    expect(await book(0, [4, 1])).toMatchObject({ granted: 0, waitMs: 1000 });
    expect(await book(0, [2, 1])).toMatchObject({ granted: 1 });
    expect(await book(0, [11])).toMatchObject({ granted: 0, waitsFor: 'limit', waitMs: Infinity });
  });

  it('never let a window see more than its amount, whatever is asked when', async () => {
    const book = booker({
      windows: [calls(20, 1000), { amount: 90, windowMs: 3000, unit: 'records' }],
      slackMs: 7,
    });
    const latest: { at: number; records: number }[] = [];
    let random = 1;
    const next = (below: number): number => (random = (random * 48271) % 2147483647) % below;
    for (let atMs = 0; atMs < 9000; atMs += 1 + next(60)) {
      const records = Array.from({ length: 1 + next(8) }, () => 1 + next(5));
      const leadMs = next(80);
      const ahead = next(2) === 0 ? {} : { aheadMs: leadMs + next(400), spreadMs: next(200) };
      const { departures } = await book(atMs, records, { leadMs, ...ahead });
      const times = departures.flatMap(
        (departure) => Array(departure.calls).fill(departure) as (typeof departure)[],
      );
      for (const [i, { leaveFromMs, leaveUntilMs }] of times.entries()) {
        // Each leaves somewhere in the time that it has.
        const at = leaveFromMs + (next(1000) / 1000) * (leaveUntilMs - leaveFromMs);
        latest.push({ at, records: records[i] as number });
      }
    }
    const busiest = (windowMs: number, weigh: (call: { records: number }) => number): number =>
      Math.max(
        ...latest.map(({ at }) =>
          latest
            .filter((call) => call.at >= at && call.at < at + windowMs)
            .reduce((sum, call) => sum + weigh(call), 0),
        ),
      );
    expect(latest.length).toBeGreaterThan(80);
    expect(busiest(1000, () => 1)).toBeLessThanOrEqual(20);
    expect(busiest(3000, (call) => call.records)).toBeLessThanOrEqual(90);
  });

  it('stop counting where they were given up, and only there', async () => {
    const book = booker({ windows: [calls(5, 1000), { amount: 20, windowMs: 3000, unit: 'records' }] });
    const { leaveFromMs } = await book(0, [2, 2]);
    await book(500, [3, 3, 3]);
    expect(await book(600, [1])).toMatchObject({ granted: 0, waitMs: 400 });
    expect(await book(600, [7, 3], { unused: [{ leaveFromMs, records: 2 }] })).toMatchObject({ granted: 1 });
    // The second at 0 still counts, and so do the three at 500.
    expect(await book(999, [1])).toMatchObject({ granted: 0, waitMs: 1 });
    expect(await book(1000, [1, 1, 1])).toMatchObject({ granted: 1 });
    expect(await book(2000, [3])).toMatchObject({ granted: 0, waitMs: 1000 });
    expect(await book(9000, [1], { unused: [{ leaveFromMs, records: 2 }] })).toMatchObject({ granted: 1 });
  });

  it('use at least 95 % of the limit, also by calls that come evenly', async () => {
    const book = booker({ windows: [calls(200, 1000)], slackMs: 15, leadMs: 40 });
    let granted = 0;
    for (let atMs = 0; atMs < 10_000; atMs += 5) granted += (await book(atMs, ones(3))).granted;
    expect(granted).toBeGreaterThanOrEqual(0.95 * 2000);
    expect(granted).toBeLessThanOrEqual(2000 + 200);
  });

  it('use at least 95 % of the limit ahead, by several processes in turns', async () => {
    const book = booker({
      windows: [calls(200, 1000)],
      slackMs: 15,
      leadMs: 40,
      aheadMs: 800,
      spreadMs: 125,
    });
    const due = [0, 7, 19, 23];
    const granted = [0, 0, 0, 0];
    for (let atMs = 0; atMs < 10_000; atMs++) {
      for (const [i, dueMs] of due.entries()) {
        if (atMs < dueMs) continue;
        const reply = await book(atMs, ones(40));
        granted[i] = (granted[i] as number) + reply.granted;
        const lastMs = (reply.departures.at(-1)?.leaveFromMs ?? 0) - START_MS;
        due[i] = reply.granted > 0 ? lastMs - 60 : atMs + 100;
      }
    }
    expect(granted.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(0.95 * 2000);
    expect(granted.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(2000 + 400);
    // None is left behind by the others.
    expect(Math.min(...granted)).toBeGreaterThan(200);
  });
});

describe('the places of one account', () => {
  it('are held by all processes together, and freed by one that says nothing', async () => {
    const [one, other] = [newId(), newId()];
    const book = booker({ concurrent: 3, placeMs: 10_000 });
    expect(await book(0, ones(2), { holderId: one })).toMatchObject({ granted: 2 });
    expect(await book(0, ones(2), { holderId: other })).toMatchObject({ granted: 1, waitsFor: 'places' });
    expect(await book(9_999, ones(2), { holderId: other, heldPlaces: 1 })).toMatchObject({ granted: 0 });
    expect(await book(10_000, ones(2), { holderId: other, heldPlaces: 1 })).toMatchObject({ granted: 2 });
  });

  it('beyond its even share are given to no process while others wait', async () => {
    const [one, other] = [newId(), newId()];
    const book = booker({ concurrent: 100 });
    expect(await book(0, ones(100), { holderId: one })).toMatchObject({ granted: 100 });
    expect(await book(1, ones(90), { holderId: other })).toMatchObject({ granted: 0, waitsFor: 'places' });
    // Twenty of its calls have ended.
    expect(await book(2, ones(90), { holderId: one, heldPlaces: 80 })).toMatchObject({ granted: 0 });
    expect(await book(3, ones(90), { holderId: other })).toMatchObject({ granted: 20 });
    expect(await book(4, ones(90), { holderId: one, heldPlaces: 30 })).toMatchObject({ granted: 20 });
  });

  it('go to a process that has none, also where the only other has its share and has waited longer', async () => {
    const [one, other] = [newId(), newId()];
    const book = booker({ concurrent: 2 });
    expect(await book(0, ones(3), { holderId: one })).toMatchObject({ granted: 2, waitsFor: 'places' });
    expect(await book(1, ones(3), { holderId: other })).toMatchObject({ granted: 0 });
    expect(await book(2, ones(3), { holderId: one, heldPlaces: 1 })).toMatchObject({ granted: 0 });
    expect(await book(3, ones(3), { holderId: other })).toMatchObject({ granted: 1 });
  });

  it('may be kept by a process as far as no other needs them', async () => {
    const [one, other, account] = [newId(), newId(), newId()];
    const book = booker({ account, concurrent: 100 });
    const kept = (atMs: number, heldPlaces: number) => book(atMs, ones(1), { holderId: one, heldPlaces });
    expect(await kept(0, 60)).toMatchObject({ keptPlaces: 100 });
    await book(1, ones(39), { holderId: other });
    expect(await kept(2, 60)).toMatchObject({ keptPlaces: 61 });
    await book(3, ones(9), { holderId: other, heldPlaces: 39 });
    expect(await kept(4, 60)).toMatchObject({ keptPlaces: 50 });
    // More are held than there are: it stood still, and another has taken some of its places.
    expect(await kept(300, 70)).toMatchObject({ granted: 0, keptPlaces: 61 });
    await openBreaker(database.knex, {
      account,
      kind: 'down',
      reason: 'No answer.',
      seconds: 10,
      secondsAtMost: 60,
    });
    expect(await kept(301, 60)).toMatchObject({ keptPlaces: 0 });
  });

  it('are freed long before a probe whose process says nothing lets another through', async () => {
    const [one, other, account] = [newId(), newId(), newId()];
    const book = booker({ account, concurrent: 1, placeMs: 8_000, probeMs: 63_000 });
    const [kind, reason] = ['down' as const, 'The provider did not answer in time.'];
    // Its time is over on the clock of these bookings.
    await openBreaker(database.knex, { account, kind, reason, seconds: 10, secondsAtMost: 60 });
    expect(await book(0, ones(3), { holderId: one })).toMatchObject({ granted: 1, breakerKind: 'down' });
    expect(await book(8_000, ones(3), { holderId: other })).toMatchObject({
      granted: 0,
      waitsFor: 'breaker',
      waitMs: 55_000,
    });
    expect(await book(63_000, ones(3), { holderId: other })).toMatchObject({ granted: 1 });
  });

  it('go in turn to processes that wait', async () => {
    const [one, other] = [newId(), newId()];
    const book = booker({ concurrent: 1 });
    const turns: string[] = [];
    await book(0, ones(1), { holderId: one });
    for (let atMs = 1; atMs <= 40; atMs += 1) {
      for (const holderId of [one, other])
        if ((await book(atMs, ones(1), { holderId })).granted) turns.push(holderId);
    }
    expect(turns.filter((holder) => holder === other).length).toBeGreaterThan(10);
    expect(turns.filter((holder) => holder === one).length).toBeGreaterThan(10);
  });
});
