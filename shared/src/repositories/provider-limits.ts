import { query, type Db } from '../db/database';

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
  /** How far ahead a call may be booked. */
  leadMs: number;
  /** How much later than booked a call may leave. */
  slackMs: number;
  /** After this time the places of a process that says nothing are free again. */
  placeMs: number;
  /** Bookings of this process that no call has used and none will: they stop counting. */
  unused?: readonly UnusedBooking[];
  /** Calls that went out after their `leaveUntilMs`: they count for as much longer. */
  late?: readonly LateCall[];
  /** Tests only: the time, instead of the clock's. */
  clockMs?: number;
}

export type BreakerKind = 'auth' | 'no_credit' | 'rate' | 'down';

/** Times are milliseconds since 1970 by PostgreSQL's clock. */
export interface BookingReply {
  clockMs: number;
  /** The first so many of the calls are booked, all for the same time. */
  granted: number;
  leaveFromMs: number;
  leaveUntilMs: number;
  /** What the first call that is not booked waits for; null where that is not known yet: ask again. */
  waitsFor: 'limit' | 'places' | 'breaker' | null;
  /** Infinity: the call is larger than the limit. */
  waitMs: number;
  /** A breaker that is open, or that the next success closes; null where there is none. */
  breakerKind: BreakerKind | null;
  breakerReason: string | null;
  /** Records that one call may hold; null where no limit counts records. */
  recordsAtMost: number | null;
}

/**
 * Books calls of a provider account within all its windows and places, or says what they wait for; one round trip,
 * atomic, all windows or none. Exact for any number of processes: no window of the full length sees more than its
 * amount, nor than its provider told, as long as each call leaves between `leaveFromMs` and `leaveUntilMs`. What is booked counts, used or not, until it is
 * named in `unused`.
 */
export async function bookProviderCalls(db: Db, request: BookingRequest): Promise<BookingReply> {
  const [reply] = await query<BookingReply>(
    db,
    `SELECT clock_ms AS "clockMs", granted, coalesce(leave_from_ms, 0) AS "leaveFromMs",
            coalesce(leave_until_ms, 0) AS "leaveUntilMs", waits_for AS "waitsFor", coalesce(wait_ms, 0) AS "waitMs",
            breaker_kind AS "breakerKind", breaker_reason AS "breakerReason",
            records_at_most::double precision AS "recordsAtMost"
       FROM book_provider_calls(:account, :holderId, :heldPlaces, :records, :placedCount, :windowsMs, :units, :amounts,
              :concurrent, :leadMs, :slackMs, :placeMs,
              :unusedFromMs, :unusedRecords, :lateFromMs, :lateUntilMs, :clockMs)`,
    {
      account: request.account,
      holderId: request.holderId,
      heldPlaces: request.heldPlaces,
      placedCount: request.placedCount,
      concurrent: request.concurrent,
      leadMs: request.leadMs,
      slackMs: request.slackMs,
      placeMs: request.placeMs,
      records: [...request.records],
      windowsMs: request.windows.map((window) => window.windowMs),
      units: request.windows.map((window) => window.unit),
      amounts: request.windows.map((window) => window.amount),
      unusedFromMs: (request.unused ?? []).map((booking) => booking.leaveFromMs),
      lateFromMs: (request.late ?? []).map((call) => call.leaveFromMs),
      lateUntilMs: (request.late ?? []).map((call) => call.sentMs),
      unusedRecords: (request.unused ?? []).map((booking) => booking.records),
      clockMs: request.clockMs ?? null,
    },
  );
  if (!reply) throw new Error('book_provider_calls gave no row');
  return reply;
}
