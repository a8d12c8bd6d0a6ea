import { notFound } from '@leadwell/shared/domain/errors';
import { findRequestField } from '@leadwell/shared/repositories/requests';
import type { Cancellation } from '@leadwell/shared/settle/cancel-request';
import { Router } from 'express';
import Joi from 'joi';
import type { AcceptDependencies } from '../use-cases/accept-request';
import { cancelRequest } from '../use-cases/cancel-request';
import { admitOrder, answerOrder, orderHeaderSchema } from './answer-order';
import { callerOf, requireScope } from './authentication';
import { idParams } from './id-schemas';
import { idempotencyHeader } from './idempotency';
import { jsonBody } from './json-body';
import { dryRunSchema, retryBodySchema, type Terms } from './order-schemas';
import { validateInput } from './validation';

const nothingSchema = Joi.object({});
const dryRunQuerySchema = Joi.object({ dryRun: dryRunSchema });

/**
 * What a client does with an accepted request: cancel what nobody was asked about yet, and order anew what ended without
 * an answer.
 */
export function requestActionRoutes(deps: AcceptDependencies): Router {
  const router = Router();

  router.post('/:requestId/cancel', requireScope('enrich'), ...jsonBody, async (req, res) => {
    const { params } = validateInput({
      params: { value: req.params, schema: idParams('requestId') },
      body: { value: (req.body as unknown) ?? {}, schema: nothingSchema },
      query: { value: req.query, schema: nothingSchema },
    });
    const { requestId } = params as { requestId: string };
    const cancellation = await cancelRequest(deps, callerOf(res).orgId, requestId);
    res.set('X-Credits-Balance', String(cancellation.balanceCredits));
    res.json(cancellationBody(requestId, cancellation));
  });

  // A new request with the rules, answer and headers of bulk, over the leads whose rows failed, timed out or were cancelled.
  // What became of such a lead since decides as in bulk: pending or finished by another round, it is listed and free; so a
  // retry that is repeated costs nothing.
  router.post('/:requestId/retry', admitOrder, ...jsonBody, async (req, res) => {
    const input = validateInput({
      params: { value: req.params, schema: idParams('requestId') },
      body: { value: (req.body as unknown) ?? {}, schema: retryBodySchema },
      query: { value: req.query, schema: dryRunQuerySchema, convert: true },
      headers: { value: idempotencyHeader(req), schema: orderHeaderSchema },
    });
    const { requestId } = input.params as { requestId: string };
    const field = await findRequestField(deps.knex, callerOf(res).orgId, requestId);
    if (field === null) throw notFound('This request');
    const terms = input.body as Terms;
    await answerOrder(deps, req, res, input, { ...terms, field, selection: { mode: 'retry', requestId } });
  });

  return router;
}

/**
 * The answer to a cancel. `changed` is false where nothing was cancelled by this call. Every list counts and names
 * enrichments, in selection order; `goingOn` says why each pending row was spared.
 */
function cancellationBody(requestId: string, done: Cancellation) {
  return {
    requestId,
    changed: done.cancelled.length > 0,
    cancelled: listed(done.cancelled),
    cancelledBefore: listed(done.cancelledBefore),
    goingOn: {
      asked: listed(done.asked),
      listedElsewhere: listed(done.listedElsewhere),
      reused: listed(done.reused),
    },
    creditsRefunded: done.refundedCredits,
    balance: done.balanceCredits,
  };
}

function listed(enrichmentIds: readonly string[]) {
  return { count: enrichmentIds.length, enrichmentIds };
}
