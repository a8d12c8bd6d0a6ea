import type { ProviderResponse } from '@leadwell/providers/adapter';
import type { Provider } from '@leadwell/providers/provider';
import type { BreakerKind } from '@leadwell/shared/repositories/provider-limits';

/** Why a call was not granted. */
export type RefusalReason =
  /** The provider's limit grants nobody anything for longer than its `maxWaitSeconds`. */
  | 'too_long'
  /** The provider is not asked for now: key refused, account empty, or down. */
  | 'breaker_open'
  /** The caller's signal aborted, or the limiter is closed. */
  | 'aborted';

export interface Refusal {
  granted: false;
  reason: RefusalReason;
  /** For a person; holds no key. */
  message: string;
  /** When asking again may help; 0 where that is not known. */
  retryAfterSeconds: number;
}

/** A call may leave, now. */
export interface Departure {
  granted: true;
  /**
   * The kind of breaker that was open and has run out; null: none. The call's success closes it (`Breakers.succeeded`). After `rate`
   * many calls leave; after any other kind this is the only one, and its failure opens it again.
   */
  after: BreakerKind | null;
}

/**
 * The right to one call: a place among the provider's calls in flight, and a booked time to leave, a few milliseconds
 * ahead, so that what must be written before the call can be written meanwhile.
 */
export interface Reservation {
  granted: true;
  /**
   * Resolves at the booked time, or a moment later: send the request at once, without awaiting anything first. If that time
   * was missed, or was used by an earlier `depart()`, another is booked, which may wait or be refused. `Caller.call` calls it.
   */
  depart(signal: AbortSignal): Promise<Departure | Refusal>;
  /**
   * Tells that the request goes out on its connection at this moment. A new connection takes its time after `depart()`:
   * the call then counts from now, so that the provider sees no more of them in a window than it allows.
   */
  sent(): void;
  /** Tells the headers of a response, whatever its status: what they say of the limits binds every process from now on. */
  heard(headers: ProviderResponse['headers']): void;
  /** Gives the place back. Exactly once: later calls do nothing. Never throws. */
  release(): void;
}

export interface ReserveOptions {
  /**
   * Between the reservation and the call's departure this process commits something durably: the claim of what is asked. That commit
   * makes the booking durable too, which is written before it, so that the booking itself need not wait for the disk. Defaults to false.
   */
  claimFollows?: boolean;
}

export interface Limiter {
  /**
   * Waits until the provider's limits grant a call of `records` records, with a place under its concurrency. Callers
   * of one process are served in order of arrival. Refused only for what concerns everybody: never for the queue ahead.
   * Never rejects; while PostgreSQL cannot be reached it grants nothing and tries again until the signal aborts.
   */
  reserve(
    provider: Provider,
    records: number,
    signal: AbortSignal,
    options?: ReserveOptions,
  ): Promise<Reservation | Refusal>;
  /** Records that one call may hold, as far as is known: a provider may tell a smaller limit than is configured. */
  recordsAtMost(provider: Provider): number;
  /** Makes every process wait: the provider said that we ask too fast. */
  pause(provider: Provider, seconds: number, reason: string): Promise<void>;
  /** Refuses who waits and gives this process's places back. */
  close(): Promise<void>;
}
