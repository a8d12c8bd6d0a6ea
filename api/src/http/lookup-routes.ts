import type { Field } from '@leadwell/shared/domain/enrichment';
import { notFound } from '@leadwell/shared/domain/errors';
import { listAttempts } from '@leadwell/shared/repositories/attempt-queries';
import {
  findEnrichment,
  listTaskEnrichments,
  type EnrichmentTask,
} from '@leadwell/shared/repositories/enrichment-queries';
import { Router, type Request, type Response } from 'express';
import Joi from 'joi';
import type { Knex } from '@leadwell/shared/db/database';
import { callerOf, requireScope } from './authentication';
import { boundedList } from './bounded-list';
import { etagOf, isNotModified } from './etag';
import { idParams, uuid } from './id-schemas';
import { jsonBody } from './json-body';
import { fieldSchema } from './order-schemas';
import { validateInput } from './validation';

const taskSchema = Joi.object({
  entityId: uuid.required(),
  field: Joi.valid('phones', 'emails', 'summary').required(),
  entityType: Joi.valid('person', 'company').default('person'),
});
const tasksBodySchema = Joi.object({ tasks: boundedList(taskSchema, 1, 200).required() }).required();
const fieldQuerySchema = Joi.object({ field: fieldSchema });

/** The calls that read enrichments and cost nothing. */
export function lookupRoutes(deps: { knex: Knex }): Router {
  const router = Router();

  router.post('/batch/query', requireScope('read'), ...jsonBody, async (req, res) => {
    const { body } = validateInput({
      body: { value: req.body as unknown, schema: tasksBodySchema },
      query: { value: req.query, schema: Joi.object({}) },
    });
    const { tasks } = body as { tasks: EnrichmentTask[] };
    sendConditional(req, res, await listTaskEnrichments(deps.knex, callerOf(res).orgId, tasks));
  });

  router.get('/:personId', requireScope('read'), async (req, res) => {
    res.json(await getEnrichment(deps.knex, req, res));
  });

  router.get('/:personId/attempts', requireScope('read'), async (req, res) => {
    const enrichment = await getEnrichment(deps.knex, req, res);
    const attempts = await listAttempts(deps.knex, enrichment.id);
    res.json({ enrichmentId: enrichment.id, attempts, count: attempts.length });
  });

  return router;
}

async function getEnrichment(knex: Knex, req: Request, res: Response) {
  const { params, query } = validateInput({
    params: { value: req.params, schema: idParams('personId') },
    query: { value: req.query, schema: fieldQuerySchema, convert: true },
  });
  const enrichment = await findEnrichment(knex, {
    orgId: callerOf(res).orgId,
    ...(params as { personId: string }),
    ...(query as { field: Field }),
  });
  if (!enrichment) throw notFound('An enrichment of this person and field');
  return enrichment;
}

/** Answers 304 without a body where the caller has this very answer already: a client that polls 200 leads mostly does. */
function sendConditional(req: Request, res: Response, answer: unknown): void {
  const body = JSON.stringify(answer);
  const etag = etagOf(body);
  res.set('ETag', etag);
  if (isNotModified(req.get('if-none-match'), etag)) res.status(304).end();
  else res.type('json').send(body);
}
