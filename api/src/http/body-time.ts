import { AppError } from '@leadwell/shared/domain/errors';
import type { Request, RequestHandler, Response } from 'express';
import { envelopeOf } from './error-answers';
import { requestIdOf } from './request-id';

const LIMIT_MS = 30_000;

/**
 * Refuses a call (408) whose body is not whole after `limitMs`, and closes its connection, also where it was answered before
 * and its client still sends. Says nothing of how long the answer may take.
 */
export function limitBodyTime(limitMs = LIMIT_MS): RequestHandler {
  return (req, res, next) => {
    startClock(req, res, limitMs);
    next();
  };
}

const clocks = new WeakMap<Request, NodeJS.Timeout>();

/** Takes the limit off a call that limits the pace of its body itself; gives what puts it back, anew. */
export function liftBodyTimeLimit(req: Request, res: Response): () => void {
  clearTimeout(clocks.get(req));
  return () => startClock(req, res, LIMIT_MS);
}

function startClock(req: Request, res: Response, limitMs: number): void {
  if (req.complete || req.destroyed) return;
  const clock = setTimeout(() => {
    if (!req.complete) refuse(req, res);
  }, limitMs);
  // Never what keeps a process from ending.
  clock.unref();
  clocks.set(req, clock);
  req.once('end', () => clearTimeout(clock)).once('close', () => clearTimeout(clock));
}

function refuse(req: Request, res: Response): void {
  if (res.headersSent) {
    req.destroy();
    return;
  }
  const error = new AppError('VALIDATION_ERROR', 'The call did not arrive whole in time.');
  res.once('finish', () => req.destroy());
  res
    .status(408)
    .set('Connection', 'close')
    .json(envelopeOf(error, requestIdOf(res)));
}
