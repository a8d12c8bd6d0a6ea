import type { Knex } from '@leadwell/shared/db/database';
import { notFound } from '@leadwell/shared/domain/errors';
import { findRequest, listRequests, type RequestSummary } from '@leadwell/shared/repositories/requests';
import { Router, type Request, type Response } from 'express';
import Joi from 'joi';
import { callerOf, requireScope } from './authentication';
import { idParams } from './id-schemas';
import { resultPages, resultsCsv, resultsNdjson } from './result-pieces';
import { streamAnswer } from './stream-answer';
import { validateInput } from './validation';

const listQuerySchema = Joi.object({
  limit: Joi.number().integer().min(1).max(100).default(20),
  offset: Joi.number().integer().min(0).max(1_000_000).default(0),
});

/** What became of accepted requests, and what they found. */
export function requestsRoutes(deps: { knex: Knex }): Router {
  const router = Router();

  router.get('/', requireScope('read'), async (req, res) => {
    const { query } = validateInput({ query: { value: req.query, schema: listQuerySchema, convert: true } });
    const page = query as { limit: number; offset: number };
    const requests = await listRequests(deps.knex, { orgId: callerOf(res).orgId, ...page });
    res.json({ requests, count: requests.length });
  });

  router.get('/:requestId', requireScope('read'), async (req, res) => {
    res.json(await getRequest(deps.knex, req, res));
  });

  router.get('/:requestId/results', requireScope('read'), async (req, res) => {
    const { id, total } = await getRequest(deps.knex, req, res);
    const pages = resultPages(deps.knex, { orgId: callerOf(res).orgId, requestId: id, total });
    res.vary('Accept');
    if (req.accepts(['application/x-ndjson', 'text/csv']) === 'text/csv') {
      res.attachment(`results-${id}.csv`);
      await streamAnswer(res, 'text/csv; charset=utf-8', resultsCsv(pages));
    } else {
      await streamAnswer(res, 'application/x-ndjson; charset=utf-8', resultsNdjson(pages));
    }
  });

  return router;
}

async function getRequest(knex: Knex, req: Request, res: Response): Promise<RequestSummary> {
  const { params } = validateInput({
    params: { value: req.params, schema: idParams('requestId') },
    query: { value: req.query, schema: Joi.object({}) },
  });
  const { requestId } = params as { requestId: string };
  const request = await findRequest(knex, callerOf(res).orgId, requestId);
  if (!request) throw notFound('This request');
  return request;
}
