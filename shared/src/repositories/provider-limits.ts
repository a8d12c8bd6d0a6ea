import { queryPrepared, type Db } from '../db/database';

/** At most `amount` in any window of `windowMs`. */
export interface LimitWindow {
  windowMs: number;
  unit: 'calls' | 'records';
  amount: number;
}

/** A booking by its `leaveFromMs`. */
export interface UnusedBooking {
  leaveFromMs: number;
  records: number;
}

export interface LateCall {
  leaveFromMs: number;
  /** When it went out, at the latest. */
  sentMs: number;
}

export interface BookingRequest {
  account: string;
  /** The process. */
  holderId: string;
  /** Places that the process's calls hold now. */
  heldPlaces: number;
  /** Records of each waiting call, in order of arrival. Empty: only tells the places that are held. */
  records: readonly number[];
  /** How many of the first of them hold a place already. */
  placedCount: number;
  /** Every window once. */
  windows: readonly LimitWindow[];
  concurrent: number;
  /** How long a call may need to get ready: one that may leave sooner may leave later by as much. */
  leadMs: number;
  /** How much later than booked a call may leave. */
  slackMs: number;
  /** How far ahead the last call may leave, however early it is ready. Defaults to the lead. */
  aheadMs?: number;
  /** How long after the first of them the last call may leave, about. Defaults to 0: all at one time. */
  spreadMs?: number;
  /**
   * Every call waits for a durable commit of this process before it leaves: a booking that a crash of PostgreSQL took was then used by
   * nobody, and its own commit need not wait for the disk. Defaults to false.
   */
  deferred?: boolean;
  /** After this time the places of a process that says nothing are free again. */
  placeMs: number;
  /** After this time another may try a provider that has failed, where the one that tries it says nothing. */
  probeMs: number;
  /** Bookings of this process that no call has used and none will: they stop counting. */
  unused?: readonly UnusedBooking[];
  /** Calls that went out after their `leaveUntilMs`: they count for as much longer. */
  late?: readonly LateCall[];
  /** Tests only: the time, instead of the clock's. */
  clockMs?: number;
}

/** Calls that are booked for one time. */
export interface Departures {
  calls: number;
  leaveFromMs: number;
  leaveUntilMs: number;
}

export type BreakerKind = 'auth' | 'no_credit' | 'rate' | 'down';

/** Times are milliseconds since 1970 by PostgreSQL's clock. */
export interface BookingReply {
  clockMs: number;
  /** The first so many of the calls are booked. */
  granted: number;
  /** In the order of the calls; together as many as are granted. */
  departures: Departures[];
  /** What the first call that is not booked waits for; null where that is not known yet: ask again. */
  waitsFor: 'limit' | 'places' | 'breaker' | null;
  /** Infinity: the call is larger than the limit. */
  waitMs: number;
  /** A breaker that is open, or that the next success closes; null where there is none. */
  breakerKind: BreakerKind | null;
  breakerReason: string | null;
  /** Records that one call may hold; null where no limit counts records. */
  recordsAtMost: number | null;
  /**
   * While its calls hold no more places, one that ends may leave its place to another of the same process without asking: its even share
   * where others wait, all that they do not hold where nobody does, and none while a breaker is there.
   */
  keptPlaces: number;
}

/**
 * Books calls of a provider account within all its windows and places, or says what they wait for; one round trip,
 * atomic, all windows or none. Exact for any number of processes: no window of the full length sees more than its
 * amount, nor than its provider told, as long as each call leaves between its `leaveFromMs` and `leaveUntilMs`. What is booked counts, used or not, until it is
 * named in `unused`.
 */
export async function bookProviderCalls(db: Db, request: BookingRequest): Promise<BookingReply> {
  const [reply] = await queryPrepared<Omit<BookingReply, 'departures'> & StoredDepartures>(
    db,
    `SELECT clock_ms AS "clockMs", granted, calls, leave_from_ms AS "leaveFromMs", leave_until_ms AS "leaveUntilMs",
            waits_for AS "waitsFor", coalesce(wait_ms, 0) AS "waitMs",
            breaker_kind AS "breakerKind", breaker_reason AS "breakerReason",
            records_at_most::double precision AS "recordsAtMost", kept_places AS "keptPlaces"
       FROM book_provider_departures(:account, :holderId, :heldPlaces, :records, :placedCount, :windowsMs, :units, :amounts,
              :concurrent, :leadMs, :slackMs, :placeMs, :probeMs,
              :unusedFromMs, :unusedRecords, :lateFromMs, :lateUntilMs, :aheadMs, :spreadMs, :deferred, :clockMs)`,
    bindingsOf(request),
  );
  if (!reply) throw new Error('book_provider_departures gave no row');
  const { calls, leaveFromMs, leaveUntilMs, ...rest } = reply;
  const departures = (calls ?? []).map((count, i) => ({
    calls: count,
    leaveFromMs: leaveFromMs?.[i] as number,
    leaveUntilMs: leaveUntilMs?.[i] as number,
  }));
  return { ...rest, departures };
}

/** By time to leave; null where nothing is granted. */
interface StoredDepartures {
  calls: number[] | null;
  leaveFromMs: number[] | null;
  leaveUntilMs: number[] | null;
}

function bindingsOf(request: BookingRequest) {
  const { account, holderId, heldPlaces, placedCount, concurrent, leadMs, slackMs, placeMs, probeMs } =
    request;
  const { unused = [], late = [], aheadMs = leadMs, spreadMs = 0, deferred = false } = request;
  return {
    ...{
      account,
      holderId,
      heldPlaces,
      placedCount,
      concurrent,
      leadMs,
      slackMs,
      placeMs,
      probeMs,
      aheadMs,
      spreadMs,
      deferred,
    },
    records: [...request.records],
    windowsMs: request.windows.map((window) => window.windowMs),
    units: request.windows.map((window) => window.unit),
    amounts: request.windows.map((window) => window.amount),
    unusedFromMs: unused.map((booking) => booking.leaveFromMs),
    unusedRecords: unused.map((booking) => booking.records),
    lateFromMs: late.map((call) => call.leaveFromMs),
    lateUntilMs: late.map((call) => call.sentMs),
    clockMs: request.clockMs ?? null,
  };
}
