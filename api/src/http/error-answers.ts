import { AppError } from '@leadwell/shared/domain/errors';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { STATUS_OF_CODE, toAppError } from './error-table';
import { requestIdOf } from './request-id';

/** The one error envelope. */
export interface ErrorEnvelope {
  error: { code: string; message: string; details: readonly object[]; requestId: string };
}

/** An error as the body that every failed call answers with. */
export function envelopeOf(error: AppError, requestId: string): ErrorEnvelope {
  return { error: { code: error.code, message: error.message, details: error.details, requestId } };
}

/** Answers what no route took. */
export const answerUnknownPath: RequestHandler = () => {
  throw new AppError('NOT_FOUND', 'There is no such call; check the method and the path.');
};

/** Turns everything thrown into the envelope. A response already under way is cut, so that no client takes a part for the whole. */
export function answerErrors(logger: Logger): ErrorRequestHandler {
  return (thrown, req, res, next) => {
    void next;
    const error = toAppError(thrown);
    logFault(logger, error, thrown, requestIdOf(res));
    if (res.headersSent || res.destroyed) {
      res.destroy();
      return;
    }
    sendError(res, error);
  };
}

function sendError(res: Response, error: AppError): void {
  res.status(STATUS_OF_CODE[error.code]);
  if (error.retryAfterSeconds !== undefined)
    res.set('Retry-After', String(Math.ceil(error.retryAfterSeconds)));
  // Operations ask for another kind.
  if (error.code === 'UNAUTHORIZED' && !res.hasHeader('WWW-Authenticate'))
    res.set('WWW-Authenticate', 'Bearer');
  res.json(envelopeOf(error, requestIdOf(res)));
}

function logFault(logger: Logger, error: AppError, thrown: unknown, requestId: string): void {
  if (STATUS_OF_CODE[error.code] < 500) return;
  const fields = { requestId, code: error.code, err: thrown };
  if (error.code === 'INTERNAL_ERROR') logger.error(fields, 'a call broke');
  else logger.warn(fields, 'a call could not be served');
}
