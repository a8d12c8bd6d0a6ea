import type { Field } from '@leadwell/shared/domain/enrichment';
import { notFound } from '@leadwell/shared/domain/errors';
import { listAttempts } from '@leadwell/shared/repositories/attempt-queries';
import {
  digestTaskEnrichments,
  findEnrichment,
  listTaskEnrichments,
  type EnrichmentTask,
} from '@leadwell/shared/repositories/enrichment-queries';
import { Router, type Request, type Response } from 'express';
import Joi from 'joi';
import type { Knex } from '@leadwell/shared/db/database';
import { callerOf, requireScope } from './authentication';
import { etagOf, isNotModified } from './etag';
import { idParams } from './id-schemas';
import { jsonBody } from './json-body';
import { fieldSchema } from './order-schemas';
import { takeTasks, tasksBodySchema } from './task-list';
import { validateInput } from './validation';

const fieldQuerySchema = Joi.object({ field: fieldSchema });
const noQuerySchema = Joi.object({});

/** The calls that read enrichments and cost nothing. */
export function lookupRoutes(deps: { knex: Knex }): Router {
  const router = Router();

  router.post('/batch/query', requireScope('read'), ...jsonBody, async (req, res) => {
    await answerTasks(deps.knex, req, res, readTasks(req));
  });

  router.get('/:personId', requireScope('read'), async (req, res) => {
    res.json(await getEnrichment(deps.knex, req, res));
  });

  router.get('/:personId/attempts', requireScope('read'), async (req, res) => {
    const enrichment = await getEnrichment(deps.knex, req, res);
    const attempts = await listAttempts(deps.knex, enrichment);
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

function readTasks(req: Request): EnrichmentTask[] {
  const taken = takeTasks(req.body);
  const query = { value: req.query, schema: noQuerySchema };
  const body = { value: req.body as unknown, schema: tasksBodySchema };
  const checked = validateInput({ ...(taken === null && { body }), query });
  return taken ?? (checked.body as { tasks: EnrichmentTask[] }).tasks;
}

/** Answers 304 without a body where the caller has this very answer already: a client that polls 200 leads mostly does. */
async function answerTasks(
  knex: Knex,
  req: Request,
  res: Response,
  tasks: readonly EnrichmentTask[],
): Promise<void> {
  const { orgId } = callerOf(res);
  const known = req.get('if-none-match');
  if (known !== undefined) {
    const etag = etagOf(await digestTaskEnrichments(knex, orgId, tasks));
    if (isNotModified(known, etag)) {
      res.set('ETag', etag).status(304).end();
      return;
    }
  }
  const { enrichments, digest } = await listTaskEnrichments(knex, orgId, tasks);
  res.set('ETag', etagOf(digest)).json(enrichments);
}
