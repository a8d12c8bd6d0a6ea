import { setTimeout as delay } from 'node:timers/promises';
import { parseApiKey, type ApiKeyScope } from '@leadwell/shared/domain/api-key';
import { AppError } from '@leadwell/shared/domain/errors';
import { findKeyHolder, type KeyHolder } from '@leadwell/shared/repositories/api-keys';
import type { RequestHandler, Response } from 'express';
import type { Knex } from '@leadwell/shared/db/database';
import type { FailureLimit } from './failure-limit';
import { RecentKeys } from './recent-keys';

/** Every refusal takes this long, so that no-query refusals look like the others. Well above the one indexed look-up. */
const REFUSAL_MS = 50;

/** About a megabyte. */
const MAX_SERVED_KEYS = 10_000;

/**
 * Admits the holder of a valid API key (`Authorization: Bearer …`), whose organisation every later step works for.
 * Refuses everything else with one body, after one time: missing, malformed, unknown, expired, revoked. A text that
 * cannot be a key costs no query. An address with too many refusals is told to wait, without a query, but for the keys that
 * this process served lately: who shares an address with an attacker goes on.
 */
export function authenticate(knex: Knex, failures: FailureLimit): RequestHandler {
  const served = new RecentKeys(MAX_SERVED_KEYS);
  return async (req, res, next) => {
    const startedAt = performance.now();
    const hash = readKeyHash(req.get('authorization'));
    if (!served.has(hash)) await failures.assertFew(req);
    const holder = hash === null ? null : await findKeyHolder(knex, hash);
    served.set(hash, holder !== null);
    if (!holder) {
      await failures.note(req);
      await delay(Math.max(0, REFUSAL_MS - (performance.now() - startedAt)));
      throw unauthorized();
    }
    res.locals.caller = holder;
    next();
  };
}

/** The holder of the key that this call came with. Only behind authenticate. */
export function callerOf(res: Response): KeyHolder {
  return res.locals.caller as KeyHolder;
}

/** Admits keys that hold a scope; others are refused as FORBIDDEN. */
export function requireScope(scope: ApiKeyScope): RequestHandler {
  return (req, res, next) => {
    assertScope(callerOf(res), scope);
    next();
  };
}

/** Throws FORBIDDEN where the key lacks the scope. */
export function assertScope(caller: KeyHolder, scope: ApiKeyScope): void {
  if (caller.scopes.includes(scope)) return;
  throw new AppError('FORBIDDEN', `This API key lacks the scope '${scope}'. Use a key that has it.`);
}

function readKeyHash(header: string | undefined): Buffer | null {
  const key = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return key === undefined ? null : parseApiKey(key);
}

function unauthorized(): AppError {
  return new AppError('UNAUTHORIZED', 'Send a valid API key as "Authorization: Bearer <key>".');
}
