import type { Provider } from '@leadwell/providers/provider';
import type { BreakerKind } from '@leadwell/shared/repositories/provider-limits';
import type { Logger } from '@leadwell/shared/runtime/logger';
import type { Breakers } from '../limits/breaker';
import type { AccountHealth } from './call-provider';
import type { AnyResult } from './caller';

/** How long a breaker of each kind keeps everybody away before the first probe. */
const DOWN_SECONDS = 10;
const AUTH_SECONDS = 60;
const NO_CREDIT_SECONDS = 300;
/**
 * Where a provider says "too fast" and not how long: a quarter of its shortest window, so much at most, and twice as long each time it goes on.
 * We keep its limits, so that one call came early by a moment: a second for everybody was 3 % of half a minute's work.
 */
const RATE_AT_MOST_SECONDS = 5;
/** So that we do not always come back with the others of its key. */
const RATE_JITTER = 0.4;

interface Effect {
  breakers: Breakers;
  logger: Logger;
  provider: Provider;
  health: AccountHealth;
  result: AnyResult;
  after: BreakerKind | null;
  /** Whether anything left at all: what did not says nothing of the provider. */
  sent: boolean;
}

/**
 * Whether a call is the one that tries a provider again. After "too fast" many do: a passing fault of one of them says no more than
 * ever, or it would keep everybody away for ten seconds, and have every waiting row pass the provider over.
 */
export function isProbe(after: BreakerKind | null): boolean {
  return after !== null && after !== 'rate';
}

/** Opens or closes the provider's breaker as the result of a call says. Never rejects: the result is not lost for it. */
export async function applyResult(effect: Effect): Promise<void> {
  if (!effect.sent) return;
  effect.health.failures.record(effect.result.kind === 'transient');
  try {
    await changeBreaker(effect);
  } catch (error) {
    effect.logger.warn({ err: error, provider: effect.provider.name }, 'breaker not written');
  }
}

async function changeBreaker({ breakers, provider, health, result, after }: Effect): Promise<void> {
  switch (result.kind) {
    case 'rate':
      return result.retryAfterSeconds === null
        ? breakers.open(
            provider,
            'rate',
            result.reason,
            rateSeconds(provider) * (1 + RATE_JITTER * (Math.random() - 0.5)),
          )
        : breakers.open(provider, 'rate', result.reason, Math.max(1, result.retryAfterSeconds), 'said');
    case 'no_credit':
      return breakers.open(provider, 'no_credit', result.reason, NO_CREDIT_SECONDS);
    case 'auth':
      return breakers.open(provider, 'auth', result.reason, AUTH_SECONDS);
    case 'transient':
      if (!isProbe(after) && !health.failures.isDown) return;
      health.failures.clear();
      return breakers.open(provider, 'down', result.reason, DOWN_SECONDS);
    case 'answers':
    case 'submitted':
    case 'pending':
    case 'bad_input':
      if (after !== null) await breakers.succeeded(provider);
  }
}

function rateSeconds({ limits }: Provider): number {
  return Math.min(RATE_AT_MOST_SECONDS, ...limits.map(({ perSeconds }) => perSeconds / 4));
}
