import { newId } from '@leadwell/shared/domain/ids';
import type { RequestHandler, Response } from 'express';

const VISIBLE_ASCII = /^[\x21-\x7e]{1,128}$/;

/** Gives every response an X-Request-Id: the caller's own if it is 1 to 128 visible ASCII characters, else a new one. */
export const assignRequestId: RequestHandler = (req, res, next) => {
  const own = req.get('x-request-id');
  const requestId = own !== undefined && VISIBLE_ASCII.test(own) ? own : newId();
  res.locals.requestId = requestId;
  res.set('X-Request-Id', requestId);
  next();
};

/** The id that assignRequestId gave. */
export function requestIdOf(res: Response): string {
  return String(res.locals.requestId);
}
