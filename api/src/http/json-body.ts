import { AppError, validationError } from '@leadwell/shared/domain/errors';
import express, { type Request, type RequestHandler } from 'express';
import { findHostileParts } from './hostile-json';
import { findShapeFault } from './json-shape';

const LIMIT_BYTES = 1_000_000;

/**
 * Reads a JSON body of at most 1 MB into `req.body`; undefined where there is none. Throws
 * UNSUPPORTED_MEDIA_TYPE for a body that is not declared as JSON, PAYLOAD_TOO_LARGE, and VALIDATION_ERROR for what is no
 * JSON or could not be stored (see findShapeFault, findHostileParts).
 */
export const jsonBody: readonly RequestHandler[] = [
  (req, _res, next) => {
    if (hasBody(req) && !isJson(req)) {
      throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json in UTF-8.');
    }
    next();
  },
  express.json({ limit: LIMIT_BYTES, type: 'application/json', strict: true, verify: assertShape }),
  (req, _res, next) => {
    const faults = findHostileParts(req.body);
    if (faults.length > 0) throw validationError(faults);
    next();
  },
];

function assertShape(_req: unknown, _res: unknown, text: Buffer): void {
  const fault = findShapeFault(text);
  if (fault) throw validationError([{ path: 'body', message: fault }]);
}

function hasBody(req: Request): boolean {
  return req.get('transfer-encoding') !== undefined || Number(req.get('content-length') ?? 0) > 0;
}

/** The parser takes every charset that begins with utf, UTF-7 among them. */
function isJson(req: Request): boolean {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(req.get('content-type') ?? '')?.[1] ?? 'utf-8';
  return Boolean(req.is('application/json')) && charset.toLowerCase() === 'utf-8';
}
