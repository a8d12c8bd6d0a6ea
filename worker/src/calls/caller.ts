import type {
  CallResult,
  PollResult,
  ProviderRequest,
  ProviderResponse,
  SubmitResult,
} from '@leadwell/providers/adapter';
import type { Failure } from '@leadwell/providers/call-result';
import type { Provider } from '@leadwell/providers/provider';
import type { Reservation } from '../limits/reservation';

/** What a call may come to: answers, a submission taken, a poll. */
export type AnyResult = CallResult | SubmitResult | PollResult;

/** What is sent to a provider, and how its response is read. */
export interface Exchange<Result extends AnyResult> {
  build(key: string): ProviderRequest;
  read(response: ProviderResponse): Result;
}

/** `durationMs`: from the first request's departure to the end of the last response; 0 where nothing was sent. */
export type Timed<Result> = Result & { durationMs: number };

export interface Caller {
  /**
   * Asks a provider, within its deadline, at the reservation's time to leave; then gives the place back. A passing fault
   * gets one more try. Opens the provider's breaker where the result says so (rate, no_credit, auth, repeated transient
   * faults) and closes it after a success. Never rejects: what went wrong is in the result.
   */
  call<Result extends AnyResult>(
    provider: Provider,
    exchange: Exchange<Result>,
    reservation: Reservation,
    signal: AbortSignal,
  ): Promise<Timed<Result | Failure>>;
  /** Ends the connections; calls in flight end as transient. */
  close(): Promise<void>;
}
