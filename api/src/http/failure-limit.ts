import { isIPv6 } from 'node:net';
import { AppError } from '@leadwell/shared/domain/errors';
import type { Request } from 'express';
import { RateLimiterMemory } from 'rate-limiter-flexible';

const WINDOW_SECONDS = 60;

/** Counts the refused credentials of every address, in this process. */
export interface FailureLimit {
  /** Throws RATE_LIMITED where the address of the call has used up its failures of this minute. */
  assertFew(req: Request): Promise<void>;
  /** One more failure of the address of the call. */
  note(req: Request): Promise<void>;
}

/** At most `perMinute` failures of one address; 0: any number. */
export function createFailureLimit(perMinute: number): FailureLimit {
  if (perMinute === 0) return { assertFew: () => Promise.resolve(), note: () => Promise.resolve() };
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS });
  return {
    async assertFew(req) {
      const used = await limiter.get(networkOf(req.ip));
      if (used !== null && used.consumedPoints >= perMinute) throw tooMany(used.msBeforeNext / 1000);
    },
    async note(req) {
      await limiter.penalty(networkOf(req.ip));
    },
  };
}

/** What one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function networkOf(address: string | undefined): string {
  const [text = ''] = (address ?? '').split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (mapped !== undefined || !isIPv6(text)) return mapped ?? text.slice(0, 64);
  const [head = '', tail] = text.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':');
}

function tooMany(retryAfterSeconds: number): AppError {
  return new AppError(
    'RATE_LIMITED',
    'Too many calls without valid credentials came from this address. Wait as long as Retry-After says, and send a valid key.',
    { retryAfterSeconds: Math.max(1, retryAfterSeconds) },
  );
}
