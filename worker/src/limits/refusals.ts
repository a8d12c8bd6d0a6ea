import type { Provider } from '@leadwell/providers/provider';
import type { BookingReply } from '@leadwell/shared/repositories/provider-limits';
import type { Refusal, RefusalReason } from './reservation';

export function refused(reason: RefusalReason, message: string, retryAfterSeconds: number): Refusal {
  return { granted: false, reason, message, retryAfterSeconds };
}

/**
 * The refusal that a reply means for the call it did not book; undefined where waiting is short enough. A provider that said
 * "too fast" is waited for like a limit.
 */
export function refusalOf(reply: BookingReply, provider: Provider): Refusal | undefined {
  const waitSeconds = Math.ceil(reply.waitMs / 1000);
  // Opened while this round trip was booking: the next one sees which. After "too fast", nobody is to pass the provider over.
  if (reply.waitsFor === 'breaker' && reply.breakerKind === null) return undefined;
  if (reply.waitsFor === 'breaker' && reply.breakerKind !== 'rate') {
    return refused(
      'breaker_open',
      `${provider.name} is not asked for now: ${reply.breakerReason}`,
      waitSeconds,
    );
  }
  if (reply.waitMs <= provider.maxWaitSeconds * 1000) return undefined;
  if (reply.waitMs === Infinity) {
    return refused('too_long', `A call of this size is beyond the limit set for ${provider.name}.`, 0);
  }
  return refused('too_long', `The limit of ${provider.name} is used up for ${waitSeconds} s.`, waitSeconds);
}
