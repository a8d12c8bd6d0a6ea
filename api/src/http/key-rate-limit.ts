import type { Config } from '@leadwell/shared/config/config';
import { AppError } from '@leadwell/shared/domain/errors';
import type { RequestHandler } from 'express';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { callerOf } from './authentication';

export type KeyRate = Pick<Config, 'rateLimitCalls' | 'rateLimitSeconds'>;

/**
 * Refuses the calls of a key beyond `rateLimitCalls` in `rateLimitSeconds`, counted from its first call on: RATE_LIMITED,
 * before anything is read or written for it. Every other answer tells what is left, in the headers of the IETF draft. One
 * key's limit does not touch another. Counted in this process, so several API processes grant several times as much: a
 * shared count would cost every call a round trip, and what is limited is the load of a process. Only behind authenticate.
 * Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/11/
 */
export function limitKeyRate({ rateLimitCalls: calls, rateLimitSeconds: seconds }: KeyRate): RequestHandler {
  if (calls === 0) return (_req, _res, next) => next();
  const limiter = new RateLimiterMemory({ points: calls, duration: seconds });
  const policy = `"key";q=${calls};w=${seconds}`;
  return async (_req, res, next) => {
    const used = await limiter.penalty(callerOf(res).keyId);
    const resetSeconds = Math.max(1, Math.ceil(used.msBeforeNext / 1000));
    res.set({ 'RateLimit-Policy': policy, RateLimit: `"key";r=${used.remainingPoints};t=${resetSeconds}` });
    if (used.consumedPoints > calls) throw tooMany(calls, seconds, resetSeconds);
    next();
  };
}

function tooMany(calls: number, seconds: number, retryAfterSeconds: number): AppError {
  return new AppError(
    'RATE_LIMITED',
    `This API key may make ${calls} calls in ${seconds} seconds. Wait as long as Retry-After says, then repeat the call.`,
    { retryAfterSeconds },
  );
}
