import type { Failure } from '@leadwell/providers/call-result';
import type { Provider } from '@leadwell/providers/provider';
import type { BreakerKind } from '@leadwell/shared/repositories/provider-limits';
import type { Logger } from '@leadwell/shared/runtime/logger';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Agent } from 'undici';
import type { Breakers } from '../limits/breaker';
import type { Refusal, Reservation } from '../limits/reservation';
import { applyResult, isProbe } from './breaker-effects';
import type { AnyResult, Caller, Exchange } from './caller';
import { createConnections, exchange } from './exchange';
import { ExchangeError } from './exchange-error';
import { FailureSample } from './failure-sample';
import { RetryBudget } from './retry-budget';

export type { Caller } from './caller';

/** What this process remembers of an account between calls. */
export interface AccountHealth {
  retries: RetryBudget;
  failures: FailureSample;
}

interface Call<Result extends AnyResult> {
  agent: Agent;
  provider: Provider;
  exchange: Exchange<Result>;
  reservation: Reservation;
  health: AccountHealth;
  /** The first request's departure; undefined while nothing was sent. */
  sentAtMs?: number;
}

/** Retried only if so much of the deadline is left. */
const RETRY_NEEDS_MS = 1_000;

export interface CallerOptions {
  breakers: Breakers;
  logger: Logger;
}

/** Calls providers over kept-alive connections; see Caller for what it promises. */
export function createCaller({ breakers, logger }: CallerOptions): Caller {
  const agent = createConnections();
  const healthOf = healthByAccount();
  return {
    async call<Result extends AnyResult>(
      provider: Provider,
      exchange: Exchange<Result>,
      reservation: Reservation,
      signal: AbortSignal,
    ) {
      const call: Call<Result> = { agent, provider, exchange, reservation, health: healthOf(provider) };
      try {
        const { result, after } = await callWithRetry(call, signal);
        await applyResult({
          breakers,
          logger,
          provider,
          health: call.health,
          result,
          after,
          sent: call.sentAtMs !== undefined,
        });
        return { ...result, durationMs: call.sentAtMs === undefined ? 0 : performance.now() - call.sentAtMs };
      } finally {
        reservation.release();
      }
    },
    close: () => agent.destroy(),
  };
}

function healthByAccount(): (provider: Provider) => AccountHealth {
  const accounts = new Map<string, AccountHealth>();
  return (provider) => {
    const health = accounts.get(provider.account) ?? {
      retries: new RetryBudget(),
      failures: new FailureSample(),
    };
    accounts.set(provider.account, health);
    return health;
  };
}

async function callWithRetry<Result extends AnyResult>(
  call: Call<Result>,
  signal: AbortSignal,
): Promise<{ result: Result | Failure; after: BreakerKind | null }> {
  const departure = await call.reservation.depart(signal);
  if (!departure.granted) return { result: notSent(departure), after: null };
  const deadline = startDeadline(call.provider.timeoutSeconds, signal);
  try {
    call.sentAtMs = performance.now();
    const first = await send(call, deadline.signal);
    call.health.retries.record(first.kind !== 'transient');
    const second = isProbe(departure.after) ? undefined : await retry(call, first, deadline.signal);
    return { result: second ?? first, after: departure.after };
  } finally {
    deadline.clear();
  }
}

/** One more try of a passing fault, where deadline, budget, and limits have room for it; undefined: there was none. */
async function retry<Result extends AnyResult>(
  call: Call<Result>,
  first: Result | Failure,
  signal: AbortSignal,
): Promise<Result | Failure | undefined> {
  if (first.kind !== 'transient' || (first.retryAfterSeconds ?? 0) > 0.5 || signal.aborted) return undefined;
  const leftMs = call.provider.timeoutSeconds * 1000 - (performance.now() - (call.sentAtMs ?? 0));
  if (leftMs < RETRY_NEEDS_MS || call.health.failures.isDown || !call.health.retries.take()) return undefined;
  try {
    await delay(100 + Math.random() * 400, undefined, { signal });
  } catch {
    return undefined;
  }
  const departure = await call.reservation.depart(signal);
  return departure.granted ? send(call, signal) : undefined;
}

async function send<Result extends AnyResult>(
  call: Call<Result>,
  signal: AbortSignal,
): Promise<Result | Failure> {
  const { agent, provider } = call;
  try {
    const request = call.exchange.build(provider.key);
    const onSent = (): void => call.reservation.sent();
    const response = await exchange(agent, provider.baseUrl, request, signal, onSent);
    call.reservation.heard(response.headers);
    return call.exchange.read(response);
  } catch (error) {
    // Whatever an adapter throws is a defect of ours; its message may hold what the provider sent.
    const reason = error instanceof ExchangeError ? error.message : 'The answer could not be understood.';
    return { kind: 'transient', retryAfterSeconds: null, reason };
  }
}

/**
 * One deadline for headers, body and retry. `AbortSignal.timeout` would keep its timer until it fires, `AbortSignal.any` some
 * sixty bytes for ever on a signal that lives as long as the process (measured on Node 20).
 */
function startDeadline(timeoutSeconds: number, signal: AbortSignal): { signal: AbortSignal; clear(): void } {
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new DOMException('The provider did not answer in time.', 'TimeoutError')),
    timeoutSeconds * 1000,
  );
  const callOff = (): void => timeout.abort(signal.reason);
  if (signal.aborted) callOff();
  else signal.addEventListener('abort', callOff, { once: true });
  const clear = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', callOff);
  };
  return { signal: timeout.signal, clear };
}

/** Nothing left: the caller's row is none the worse, and nobody else's fault is recorded. */
function notSent(refusal: Refusal): Failure {
  const retryAfterSeconds = refusal.retryAfterSeconds || null;
  const kind = refusal.reason === 'too_long' ? 'rate' : 'transient';
  return { kind, retryAfterSeconds, reason: refusal.message };
}
