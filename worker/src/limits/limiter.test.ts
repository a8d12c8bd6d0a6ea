import type { Provider } from '@leadwell/providers/provider';
import type { ProviderLimit } from '@leadwell/providers/adapter';
import { openDatabase, query, type Knex } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { openBreaker } from '@leadwell/shared/repositories/provider-breakers';
import { countProviderPlaces, deleteProviderSlots } from '@leadwell/shared/repositories/provider-slots';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import pino from 'pino';
import { performance } from 'node:perf_hooks';
import { BookingQueue } from './booking-queue';
import { HeldReservation } from './held-reservation';
import { createLimiter, type Limiter, type Reservation } from './limiter';
import type { ReserveOptions } from './reservation';

const logger = pino({ level: 'silent' });
const never = new AbortController().signal;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

let limiters: { limiter: Limiter; knex: Knex }[] = [];
afterEach(async () => {
  await Promise.all(
    limiters.map(async ({ limiter, knex }) => {
      await limiter.close();
      await knex.destroy();
    }),
  );
  limiters = [];
});

/** A limiter with connections of its own, as in a process of its own. */
function startLimiter(url = database.url, leaseSeconds = 8): Limiter {
  const knex = openDatabase({ url, poolSize: 3, applicationName: 'test-limiter' });
  const limiter = createLimiter({ knex, logger, leaseSeconds });
  limiters.push({ limiter, knex });
  return limiter;
}

function providerWith(over: Partial<Provider>): Provider {
  const limits: ProviderLimit[] = [];
  return {
    name: 'testprovider',
    account: newId(),
    limits,
    concurrent: 1000,
    timeoutSeconds: 10,
    maxWaitSeconds: 60,
    giveUpSeconds: 600,
    baseUrl: 'http://127.0.0.1:1',
    key: 'k',
    adapter: {} as never,
    ...over,
  };
}

const perSecond = (amount: number, unit: 'calls' | 'records' = 'calls'): ProviderLimit => ({
  amount,
  perSeconds: 1,
  unit,
});

async function reserved(
  limiter: Limiter,
  provider: Provider,
  records = 1,
  options: ReserveOptions = {},
): Promise<Reservation> {
  const reservation = await limiter.reserve(provider, records, never, options);
  if (!reservation.granted) throw new Error(reservation.message);
  return reservation;
}

/** Between its leave and the reading of its time, a busy machine may take the processor from a caller. */
const TOLERANCE_MS = 50;

/** Reserves, does nothing, leaves and ends at once; gives the time of leaving. */
async function leave(limiter: Limiter, provider: Provider, records = 1): Promise<number> {
  const reservation = await reserved(limiter, provider, records);
  expect(await reservation.depart(never)).toMatchObject({ granted: true });
  reservation.sent();
  reservation.release();
  return performance.now();
}

/** Places last so long after they were told of. */
const LEASE_SECONDS = 2;

async function readExpiryMs({ account }: Provider): Promise<number> {
  const [row] = await query<{ atMs: number }>(
    database.knex,
    `SELECT (extract(epoch FROM max(expires_at)) * 1000)::float8 AS "atMs" FROM provider_slots WHERE account = :account`,
    { account },
  );
  return row?.atMs ?? 0;
}

/** Two processes hold the provider's one place, as after the first stood still for longer than places last. */
async function holdOnePlaceTwice(provider: Provider) {
  const [late, other] = [startLimiter(database.url, LEASE_SECONDS), startLimiter()];
  const before = await reserved(late, provider);
  await deleteProviderSlots(database.knex, await readHolder(provider));
  const after = await reserved(other, provider);
  await waitUntil(async () => (await countProviderPlaces(database.knex, provider.account)) === 2);
  return { late, other, before, after };
}

/** One call holds the provider's only place, and another got ready meanwhile. */
async function getReadyBehind(provider: Provider) {
  const breakers = { openedAtMs: () => -Infinity };
  const queue = new BookingQueue(database.knex, logger, newId(), provider, breakers, 8_000);
  const reserve = async (): Promise<HeldReservation> => {
    const grant = await queue.book({ records: 1, placed: false, missed: 0, claimFollows: true }, never);
    if (!grant.granted) throw new Error(grant.message);
    return new HeldReservation(queue, 1, grant);
  };
  const holding = await reserve();
  // Calls get ready where others have just ended.
  const ending = setInterval(() => queue.headStarts.freed(performance.now()), 20);
  const ready = await reserve();
  clearInterval(ending);
  return { queue, holding, ready };
}

async function readHolder({ account }: Provider): Promise<string> {
  const [row] = await query<{ holder: string }>(
    database.knex,
    'SELECT holder FROM provider_slots WHERE account = :account',
    { account },
  );
  return row?.holder ?? '';
}

describe('a limiter', () => {
  // How much of a limit is used is for `booking.test.ts`, on a clock of its own: these share their processor with other tests.
  it('never exceeds a limit that four processes share', async () => {
    const provider = providerWith({ limits: [perSecond(100)] });
    const processes = [1, 2, 3, 4].map(() => startLimiter());
    const left = await Promise.all(Array.from({ length: 300 }, (_, i) => leave(processes[i % 4]!, provider)));
    left.sort((a, b) => a - b);
    for (let i = 100; i < 300; i++)
      expect(left[i]! - left[i - 100]!).toBeGreaterThanOrEqual(1000 - TOLERANCE_MS);
  });

  it('keeps a limit on records and one on calls together', async () => {
    const provider = providerWith({
      limits: [perSecond(50, 'records'), { amount: 12, perSeconds: 2, unit: 'calls' }],
    });
    const processes = [startLimiter(), startLimiter()];
    const left = await Promise.all(
      Array.from({ length: 24 }, (_, i) => leave(processes[i % 2]!, provider, 10)),
    );
    left.sort((a, b) => a - b);
    for (let i = 5; i < 24; i++) expect(left[i]! - left[i - 5]!).toBeGreaterThanOrEqual(1000 - TOLERANCE_MS);
    for (let i = 12; i < 24; i++)
      expect(left[i]! - left[i - 12]!).toBeGreaterThanOrEqual(2000 - TOLERANCE_MS);
  });

  it('refuses at once when a daily quota is gone, for whoever asks', async () => {
    const provider = providerWith({
      limits: [perSecond(50), { amount: 5, perSeconds: 86_400, unit: 'calls' }],
    });
    const [one, other] = [startLimiter(), startLimiter()];
    await Promise.all(Array.from({ length: 5 }, () => leave(one, provider)));
    const refusals = await Promise.all(
      [one, other, other].map((limiter) => limiter.reserve(provider, 1, never)),
    );
    for (const refusal of refusals) expect(refusal).toMatchObject({ granted: false, reason: 'too_long' });
    expect(refusals[0]).toHaveProperty('retryAfterSeconds', expect.closeTo(86_400, -2));
  });

  it('lets a booking wait for the disk unless a claim follows it, which takes it along', async () => {
    const provider = providerWith({});
    const limiter = startLimiter();
    const knex = limiters.at(-1)?.knex as Knex;
    // What waits for no claim: a poll, a retry, a call that missed its time.
    const deferred: boolean[] = [];
    knex.on('query', ({ sql, bindings }: { sql: string; bindings: unknown[] }) => {
      if (sql.includes('book_provider_departures'))
        deferred.push(...bindings.filter((binding) => typeof binding === 'boolean'));
    });
    const claimed = await limiter.reserve(provider, 1, never, { claimFollows: true });
    const later = await reserved(limiter, provider);
    if (!claimed.granted) throw new Error(claimed.message);
    await claimed.depart(never);
    await claimed.depart(never);
    for (const reservation of [claimed, later]) reservation.release();
    // The first only tells the clock.
    expect(deferred).toEqual([false, true, false, false]);
  });

  it('waits for the limit, not for the queue ahead', async () => {
    const provider = providerWith({ limits: [perSecond(10)], maxWaitSeconds: 2.5 });
    const limiter = startLimiter();
    const left = await Promise.all(Array.from({ length: 35 }, () => leave(limiter, provider)));
    expect(Math.max(...left) - Math.min(...left)).toBeGreaterThan(2900);
  });

  it.each<[calls: string, limits: ProviderLimit[], claimFollows: boolean, getReadyAhead: boolean]>([
    ['that may get ready while they wait, where the limit is used up', [perSecond(100)], true, false],
    ['that get ready when they have a place', [], false, false],
    ['that get ready while they wait for one', [], true, true],
    ['that get ready while they wait for one, and a limit counts', [perSecond(1000)], true, true],
  ])(
    'never has more calls in flight than the provider allows, over all processes, %s',
    async (_calls, limits, claimFollows, getReadyAhead) => {
      const provider = providerWith({ concurrent: 5, limits });
      const processes = [startLimiter(), startLimiter(), startLimiter()];
      let [ready, inFlight, mostReady, most] = [0, 0, 0, 0];
      const served = [0, 0, 0];
      await Promise.all(
        Array.from({ length: 240 }, async (_, i) => {
          const reservation = await reserved(processes[i % 3]!, provider, 1, { claimFollows });
          ready++;
          // By then the limit is used up, where one can be.
          if (i > 190) mostReady = Math.max(mostReady, ready);
          // Time to get ready.
          await new Promise((resolve) => setTimeout(resolve, 5));
          expect(await reservation.depart(never)).toMatchObject({ granted: true });
          ready--;
          most = Math.max(most, ++inFlight);
          await new Promise((resolve) => setTimeout(resolve, 20));
          inFlight--;
          served[i % 3]!++;
          reservation.release();
          reservation.release();
        }),
      );
      expect(most).toBe(5);
      expect(mostReady > 5).toBe(getReadyAhead);
      expect(served).toEqual([80, 80, 80]);
      await waitUntil(async () => (await countProviderPlaces(database.knex, provider.account)) === 0);
    },
  );

  it('serves a call that has nothing to get ready, however many others take turns at getting ready', async () => {
    const provider = providerWith({ concurrent: 1 });
    const limiter = startLimiter();
    let isServed = false;
    const others = Array.from({ length: 6 }, async () => {
      for (let calls = 0; calls < 10 || !isServed; calls++) {
        const reservation = await reserved(limiter, provider, 1, { claimFollows: true });
        await reservation.depart(never);
        await new Promise(setImmediate);
        reservation.release();
      }
    });
    const plain = await reserved(limiter, provider);
    isServed = true;
    plain.release();
    await Promise.all(others);
  });

  it('takes no place for a call that got ready and is called off', async () => {
    const provider = providerWith({ concurrent: 1 });
    const { queue, holding, ready } = await getReadyBehind(provider);
    const stop = new AbortController();
    const departing = ready.depart(stop.signal);
    stop.abort();
    expect(await departing).toMatchObject({ granted: false, reason: 'aborted' });
    ready.release();
    holding.release();
    await waitUntil(async () => (await countProviderPlaces(database.knex, provider.account)) === 0);
    queue.close();
  });

  it('lets no call that got ready leave once the provider is not to be asked', async () => {
    const provider = providerWith({ concurrent: 1 });
    const { account } = provider;
    const { queue, holding, ready } = await getReadyBehind(provider);
    const breaker = { kind: 'auth', reason: 'The key is refused.', seconds: 60, secondsAtMost: 60 } as const;
    await openBreaker(database.knex, { account, ...breaker });
    // It asks for its place, and is told of the breaker by that.
    expect(await ready.depart(never)).toMatchObject({ granted: false, reason: 'breaker_open' });
    ready.release();
    holding.release();
    await waitUntil(async () => (await countProviderPlaces(database.knex, account)) === 0);
    queue.close();
  });

  it('keeps a place for as long as its call runs, and frees it soon after the process died, whatever the call’s deadline', async () => {
    const provider = providerWith({ concurrent: 1, timeoutSeconds: 86_400 });
    const [holder, other] = [startLimiter(database.url, LEASE_SECONDS), startLimiter()];
    await reserved(holder, provider);
    const firstMs = await readExpiryMs(provider);
    let isGranted = false;
    const waiting = reserved(other, provider).then(() => (isGranted = true));
    await waitUntil(async () => (await readExpiryMs(provider)) > firstMs + 2 * LEASE_SECONDS * 1000);
    expect(isGranted).toBe(false);
    // A process that has lost its database says no more than one that was killed.
    await limiters[0]?.knex.destroy();
    await waiting;
  });

  it('keeps the places of calls in flight while its others wait for the limit', async () => {
    const limits: ProviderLimit[] = [{ amount: 1, perSeconds: 3_600, unit: 'calls' }];
    const provider = providerWith({ limits, concurrent: 2, maxWaitSeconds: 86_400 });
    const holder = startLimiter(database.url, LEASE_SECONDS);
    const stop = new AbortController();
    await reserved(holder, provider);
    const waiting = holder.reserve(provider, 1, stop.signal);
    const firstMs = await readExpiryMs(provider);
    await waitUntil(async () => (await readExpiryMs(provider)) > firstMs + LEASE_SECONDS * 1000);
    stop.abort();
    expect(await waiting).toMatchObject({ granted: false, reason: 'aborted' });
  });

  it('takes no new call for places that it lost while it stood still, until there is room again', async () => {
    const provider = providerWith({ concurrent: 1 });
    // Both are in flight now, which nobody can undo. It tells its place again, and neither books another.
    const { late, other, before, after } = await holdOnePlaceTwice(provider);
    let granted = 0;
    const waiting = [late, other].map((limiter) =>
      reserved(limiter, provider).then((reservation) => (granted++, reservation.release())),
    );
    after.release();
    await waitUntil(async () => (await countProviderPlaces(database.knex, provider.account)) === 1);
    expect(granted).toBe(0);
    before.release();
    await Promise.all(waiting);
  });

  it('lets calls leave one after the other that hold more places than there are, and have all missed their time', async () => {
    const provider = providerWith({ concurrent: 1, limits: [perSecond(100)] });
    const { before, after } = await holdOnePlaceTwice(provider);
    let inFlight = 0;
    const left = [before, after].map(async (reservation) => {
      expect(await reservation.depart(never)).toMatchObject({ granted: true });
      expect(++inFlight).toBe(1);
      await new Promise(setImmediate);
      inFlight--;
      reservation.release();
    });
    await Promise.all(left);
    await waitUntil(async () => (await countProviderPlaces(database.knex, provider.account)) === 0);
  });

  it('serves callers of one process in order of arrival', async () => {
    const provider = providerWith({ limits: [perSecond(3)] });
    const limiter = startLimiter();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => reserved(limiter, provider).then(() => order.push(i))),
    );
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('grants what is booked far ahead when it is time to prepare it, and takes it back from who is called off', async () => {
    const provider = providerWith({ limits: [perSecond(20)] });
    const breakers = { openedAtMs: () => -Infinity };
    const queue = new BookingQueue(database.knex, logger, newId(), provider, breakers, 8_000);
    const stop = new AbortController();
    const aheadMs: number[] = [];
    const book = async (): Promise<void> => {
      const booking = await queue.book(
        { records: 1, placed: false, missed: 0, claimFollows: false },
        stop.signal,
      );
      if ('fromMs' in booking) aheadMs.push(booking.fromMs - booking.grantedAtMs);
    };
    const booked = Array.from({ length: 60 }, book);
    await waitUntil(() => aheadMs.length >= 40);
    stop.abort();
    await Promise.all(booked);
    // What a round trip books leaves within 100 ms. Calls are booked half a second ahead: who came later would wait as long.
    expect(Math.max(...aheadMs)).toBeLessThan(400);
    for (let i = 0; i < aheadMs.length; i++) queue.release();
    await waitUntil(async () => (await countProviderPlaces(database.knex, provider.account)) === 0);
    queue.close();
  });

  it('books again for a caller that came too late, and for its second try', async () => {
    const provider = providerWith({ limits: [perSecond(1)] });
    const limiter = startLimiter();
    const reservation = await reserved(limiter, provider);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const first = (await reservation.depart(never), performance.now());
    const second = (await reservation.depart(never), performance.now());
    expect(second - first).toBeGreaterThan(600);
    reservation.release();
  });

  it('makes every process wait when the provider said so', async () => {
    const provider = providerWith({});
    const [one, other] = [startLimiter(), startLimiter()];
    const startedAt = performance.now();
    await one.pause(provider, 1, 'Too many requests.');
    await leave(other, provider);
    expect(performance.now() - startedAt).toBeGreaterThan(990);
    await one.pause(provider, 300, 'Too many requests.');
    expect(await other.reserve(provider, 1, never)).toMatchObject({ granted: false, reason: 'too_long' });
  });

  it('ends a wait when the signal aborts, and when it is closed', async () => {
    const provider = providerWith({ limits: [perSecond(1)] });
    const limiter = startLimiter();
    await leave(limiter, provider);
    const controller = new AbortController();
    const aborted = limiter.reserve(provider, 1, controller.signal);
    const closed = limiter.reserve(provider, 1, never);
    controller.abort();
    expect(await aborted).toMatchObject({ granted: false, reason: 'aborted' });
    await limiter.close();
    expect(await closed).toMatchObject({ granted: false, reason: 'aborted' });
  });

  it('grants nothing without the database', async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined); // knex reports each failed connection
    const limiter = startLimiter('postgres://nobody:nothing@127.0.0.1:1/none');
    const controller = new AbortController();
    const reservation = limiter.reserve(providerWith({}), 1, controller.signal);
    setTimeout(() => controller.abort(), 700);
    expect(await reservation).toMatchObject({ granted: false, reason: 'aborted' });
  });

  it('costs few round trips', async () => {
    const provider = providerWith({ limits: [perSecond(1000)] });
    const limiter = startLimiter();
    const { knex } = limiters[0]!;
    let statements = 0;
    knex.on('query', () => statements++);
    await Promise.all(Array.from({ length: 200 }, () => leave(limiter, provider)));
    // Some for all: what a busy machine misses is booked again.
    expect(statements).toBeLessThan(50);
    expect(await query(knex, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
