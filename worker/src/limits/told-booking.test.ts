/** What a provider tells of its limits, in the bookings of its account; on a clock that the test sets. */
import { newId } from '@leadwell/shared/domain/ids';
import {
  bookProviderCalls,
  type BookingReply,
  type LimitWindow,
} from '@leadwell/shared/repositories/provider-limits';
import { tellProviderLimit } from '@leadwell/shared/repositories/told-limits';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const START_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** An account with these limits. `book` is a process whose calls end at once; `hold` one whose calls stay. */
function account(...windows: LimitWindow[]) {
  const account = newId();
  const [holderId, otherId] = [newId(), newId()];
  const shared = { account, placedCount: 0, windows, concurrent: 1_000_000, leadMs: 0, slackMs: 0 };
  const book = (atMs: number, count: number, records = 1): Promise<BookingReply> =>
    bookProviderCalls(database.knex, {
      ...shared,
      holderId,
      heldPlaces: 0,
      placeMs: 1,
      probeMs: 1,
      records: Array<number>(count).fill(records),
      clockMs: START_MS + atMs,
    });
  const hold = (atMs: number, heldPlaces: number): Promise<BookingReply> =>
    bookProviderCalls(database.knex, {
      ...shared,
      holderId: otherId,
      heldPlaces,
      placeMs: MINUTE_MS,
      probeMs: MINUTE_MS,
      records: [],
      clockMs: START_MS + atMs,
    });
  const tell = (
    atMs: number,
    amount: number,
    remaining: number | null,
    resetMs = MINUTE_MS,
  ): Promise<void> => {
    const { windowMs, unit } = windows.at(-1)!;
    const told = { account, windowMs, unit, amount, remaining, resetMs, clockMs: START_MS + atMs };
    return tellProviderLimit(database.knex, told);
  };
  return { book, hold, tell };
}

const perMinute = (amount: number): LimitWindow => ({ amount, windowMs: MINUTE_MS, unit: 'calls' });

describe('a limit that the provider tells', () => {
  it('binds every process where it is smaller than ours, and never loosens ours', async () => {
    const smaller = account(perMinute(100));
    await smaller.tell(0, 10, null);
    expect(await smaller.book(0, 50)).toMatchObject({ granted: 10 });
    expect(await smaller.book(1000, 50)).toMatchObject({ granted: 0, waitsFor: 'limit', waitMs: 59_000 });
    const larger = account(perMinute(100));
    await larger.tell(0, 1_000_000, 999_999);
    expect(await larger.book(0, 500)).toMatchObject({ granted: 100 });
  });

  it('counts what had left before it was told', async () => {
    const { book, tell } = account(perMinute(100));
    await book(0, 8);
    await tell(100, 10, 2);
    expect(await book(200, 50)).toMatchObject({ granted: 2 });
    expect(await book(300, 50)).toMatchObject({ granted: 0 });
  });

  it('ends an hour after it was last told, and gives way to a larger one after a minute', async () => {
    const { book, tell } = account(perMinute(100));
    await tell(0, 10, null);
    await tell(30_000, 20, null);
    expect(await book(30_000, 50)).toMatchObject({ granted: 10 });
    await tell(MINUTE_MS, 20, null);
    expect(await book(2 * MINUTE_MS, 50)).toMatchObject({ granted: 20 });
    expect(await book(MINUTE_MS + HOUR_MS, 500)).toMatchObject({ granted: 100 });
  });

  it('names the largest call that it can grant', async () => {
    const { book, tell } = account({ amount: 40, windowMs: 1000, unit: 'records' });
    expect(await book(0, 1, 40)).toMatchObject({ granted: 1, recordsAtMost: 40 });
    await tell(100, 10, null, 1000);
    expect(await book(2000, 1, 40)).toMatchObject({ granted: 0, waitMs: Infinity, recordsAtMost: 10 });
    expect(await book(2000, 4, 10)).toMatchObject({ granted: 1 });
    expect(await account(perMinute(5)).book(0, 1)).toMatchObject({ recordsAtMost: null });
  });
});

describe('what the provider says is left', () => {
  it('nothing, stops everybody until its reset, and no longer', async () => {
    const { book, tell } = account(perMinute(100));
    await book(0, 5);
    await tell(1000, 100, 0, 20_000);
    expect(await book(2000, 50)).toMatchObject({ granted: 0, waitsFor: 'limit', waitMs: 19_000 });
    expect(await book(20_999, 50)).toMatchObject({ granted: 0 });
    expect(await book(21_000, 500)).toMatchObject({ granted: 95 });
  });

  it('less than we think, is what we take: others use the key', async () => {
    const { book, tell } = account(perMinute(100));
    await book(0, 5);
    await tell(1000, 100, 30, 40_000);
    expect(await book(1000, 500)).toMatchObject({ granted: 30 });
    expect(await book(2000, 500)).toMatchObject({ granted: 0, waitMs: 39_000 });
    expect(await book(41_000, 500)).toMatchObject({ granted: 65 });
  });

  it('no more than is in flight, is nothing', async () => {
    const { book, hold, tell } = account(perMinute(100));
    await hold(0, 4);
    await tell(0, 100, 4, 10_000);
    expect(await book(1, 10)).toMatchObject({ granted: 0, waitMs: 9_999 });
  });

  it('changes nothing where our own calls explain it', async () => {
    const { book, tell } = account(perMinute(100));
    await book(0, 90);
    await tell(500, 100, 10, MINUTE_MS);
    expect(await book(2000, 50)).toMatchObject({ granted: 10 });
    await tell(2500, 100, 0, MINUTE_MS);
    // The ninety have left the window by our count; the response was written a moment before.
    await tell(60_100, 100, 0, MINUTE_MS);
    expect(await book(60_200, 500)).toMatchObject({ granted: 90 });
  });
});
