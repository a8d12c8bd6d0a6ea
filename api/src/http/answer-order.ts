import type { Request, Response } from 'express';
import Joi from 'joi';
import { acceptRequest, type AcceptDependencies, type Acceptance } from '../use-cases/accept-request';
import type { Order } from '../use-cases/order';
import { quoteRequest } from '../use-cases/quote-request';
import { assertScope, callerOf } from './authentication';
import { fingerprintOf } from './idempotency';
import { idempotencyKeySchema, type Terms } from './order-schemas';

/** The headers of every call that orders. */
export const orderHeaderSchema = Joi.object({ 'Idempotency-Key': idempotencyKeySchema });

/** What a call orders, before anybody asks who calls. */
export type Wanted = Pick<Order, 'selection' | 'field'> & Terms;

/** A dry run spends nothing and needs no more than the scope to read. */
export function admitOrder(req: Request, res: Response, next: () => void): void {
  assertScope(callerOf(res), req.query.dryRun === 'true' ? 'read' : 'enrich');
  next();
}

interface OrderInput {
  body: unknown;
  query: unknown;
  headers: unknown;
}

/**
 * Answers a checked order: the price under `?dryRun=true`, otherwise what was accepted, with the headers that say where it
 * is followed and what it took. `present` makes the body; the bare array of enrichments by default.
 */
export async function answerOrder(
  deps: AcceptDependencies,
  req: Request,
  res: Response,
  input: OrderInput,
  wanted: Wanted,
  present: (accepted: Acceptance) => unknown = (accepted) => accepted.enrichments,
): Promise<void> {
  const order = toOrder(req, res, input, wanted);
  if ((input.query as { dryRun: boolean }).dryRun) {
    res.json(await quoteRequest(deps, order));
    return;
  }
  const accepted = await acceptRequest(deps, order);
  res.set({
    Location: `/api/v1/operations/enrichment/requests/${accepted.requestId}`,
    'X-Credits-Charged': String(accepted.creditsCharged),
    'X-Credits-Balance': String(accepted.creditsBalance),
    ...(accepted.isReplay && { 'Idempotency-Replayed': 'true' }),
  });
  res.json(present(accepted));
}

function toOrder(req: Request, res: Response, input: OrderInput, wanted: Wanted): Order {
  const { orgId, userName } = callerOf(res);
  const key = (input.headers as { 'Idempotency-Key'?: string })['Idempotency-Key'];
  const { selection, field, priority, retryNotFound } = wanted;
  return {
    orgId,
    userName,
    selection,
    field,
    priority,
    retryNotFound,
    maxCredits: wanted.maxCredits ?? null,
    idempotency: key === undefined ? null : { key, fingerprint: fingerprintOf(req, input.query, input.body) },
  };
}
