import { createHash } from 'node:crypto';
import type { Request } from 'express';

/** The Idempotency-Key of a call as validateInput takes it. */
export function idempotencyHeader(req: Request): { 'Idempotency-Key': string | undefined } {
  return { 'Idempotency-Key': req.get('idempotency-key') };
}

/** SHA-256 of what makes two calls the same: method, path, query and validated body. The order of fields does not count. */
export function fingerprintOf(req: Request, query: unknown, body: unknown): Buffer {
  const path = `${req.baseUrl}${req.path}`.toLowerCase();
  return createHash('sha256')
    .update(JSON.stringify([req.method, path, sorted(query), sorted(body)]))
    .digest();
}

/** A JSON value with its fields in one order. The body has passed its schema, so it is neither deep nor wide. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, child]) => [name, sorted(child)]);
}
