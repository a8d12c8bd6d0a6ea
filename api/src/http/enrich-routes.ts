import { notFound, validationError } from '@leadwell/shared/domain/errors';
import { Router } from 'express';
import Joi from 'joi';
import type { AcceptDependencies } from '../use-cases/accept-request';
import type { ManualSelection, Order } from '../use-cases/order';
import { admitOrder, answerOrder, orderHeaderSchema, type Wanted } from './answer-order';
import { capDetails } from './fault-details';
import { idParams } from './id-schemas';
import { idempotencyHeader } from './idempotency';
import { jsonBody } from './json-body';
import {
  batchBodySchema,
  bulkBodySchema,
  dryRunSchema,
  fieldSchema,
  type BatchBody,
  type BulkBody,
  type SelectionBody,
} from './order-schemas';
import { validateInput } from './validation';

const dryRunQuerySchema = Joi.object({ dryRun: dryRunSchema });
const personQuerySchema = Joi.object({ dryRun: dryRunSchema, field: fieldSchema });
const noBodySchema = Joi.object({});

/** The calls that order enrichments: bulk, batch and one person. All are one use case, told in different words. */
export function enrichRoutes(deps: AcceptDependencies): Router {
  const router = Router();

  router.post('/bulk', admitOrder, ...jsonBody, async (req, res) => {
    const input = validateInput({
      body: { value: req.body as unknown, schema: bulkBodySchema },
      query: { value: req.query, schema: dryRunQuerySchema, convert: true },
      headers: { value: idempotencyHeader(req), schema: orderHeaderSchema },
    });
    const body = input.body as BulkBody;
    await answerOrder(deps, req, res, input, { ...body, selection: toSelection(body.selection) });
  });

  router.post('/batch', admitOrder, ...jsonBody, async (req, res) => {
    const input = validateInput({
      body: { value: req.body as unknown, schema: batchBodySchema },
      query: { value: req.query, schema: dryRunQuerySchema, convert: true },
      headers: { value: idempotencyHeader(req), schema: orderHeaderSchema },
    });
    const { personIds, ...terms } = input.body as BatchBody;
    await answerOrder(deps, req, res, input, { ...terms, selection: toManual(personIds, 'personIds') });
  });

  router.post('/:personId', admitOrder, ...jsonBody, async (req, res, next) => {
    if (req.params.personId === 'requests') return next();
    const input = validateInput({
      params: { value: req.params, schema: idParams('personId') },
      body: { value: (req.body as unknown) ?? {}, schema: noBodySchema },
      query: { value: req.query, schema: personQuerySchema, convert: true },
      headers: { value: idempotencyHeader(req), schema: orderHeaderSchema },
    });
    const { personId } = input.params as { personId: string };
    const { field } = input.query as Pick<Order, 'field'>;
    const selection: ManualSelection = {
      mode: 'manual',
      leadIds: [personId],
      refuse: () => notFound('This person'),
    };
    const wanted: Wanted = { selection, field, priority: 'normal', retryNotFound: false };
    await answerOrder(deps, req, res, input, wanted, (accepted) => accepted.enrichments[0]);
  });

  return router;
}

function toSelection(body: SelectionBody): Order['selection'] {
  if (body.mode === 'manual') return toManual(body.includedIds, 'selection.includedIds');
  return { ...body, excludedIds: body.excludedIds ?? [] };
}

/** Duplicates collapse; a fault names the place where the id first stood. */
function toManual(ids: readonly string[], path: string): ManualSelection {
  return {
    mode: 'manual',
    leadIds: [...new Set(ids)],
    refuse(unknownLeadIds) {
      const faults = [...unknownLeadIds].map((id) => ({
        path: `${path}[${ids.indexOf(id)}]`,
        message: `${id} is no lead that you can see`,
      }));
      return validationError(capDetails(faults));
    },
  };
}
