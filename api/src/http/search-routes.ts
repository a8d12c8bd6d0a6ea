import type { Knex } from '@leadwell/shared/db/database';
import { notFound } from '@leadwell/shared/domain/errors';
import { Router } from 'express';
import Joi from 'joi';
import { accountSchema, contactSchema, type Filters } from '../search/filter-schema';
import { findPerson } from '../search/people';
import { searchPeople } from '../search/search-people';
import { callerOf, requireScope } from './authentication';
import { idParams } from './id-schemas';
import { jsonBody } from './json-body';
import { validateInput } from './validation';

/** Deeper pages would walk the whole directory for one answer. */
const MAX_OFFSET = 1_000_000;

const searchBodySchema = Joi.object({
  page: Joi.number().integer().min(0).max(MAX_OFFSET).default(0),
  size: Joi.number().integer().min(0).max(100).default(10),
  contact: contactSchema,
  account: accountSchema,
})
  .custom((body: { page?: unknown; size?: unknown }, helpers) =>
    Number(body.page) * Number(body.size) > MAX_OFFSET ? helpers.error('search.deep') : body,
  )
  .messages({ 'search.deep': `page times size must be at most ${MAX_OFFSET}; narrow the filters` });

interface SearchBody extends Filters {
  page: number;
  size: number;
}

/** The search for people that a selection's filters reproduce, and one of them. */
export function searchRoutes(deps: { knex: Knex }): Router {
  const router = Router();

  router.post('/entities/prospects/person', requireScope('read'), ...jsonBody, async (req, res) => {
    const { body } = validateInput({
      body: { value: (req.body as unknown) ?? {}, schema: searchBodySchema },
      query: { value: req.query, schema: Joi.object({}) },
    });
    const { page, size, ...filters } = body as SearchBody;
    res.json(await searchPeople(deps.knex, { orgId: callerOf(res).orgId, filters, page, size }));
  });

  router.get('/entities/prospects/person/:id', requireScope('read'), async (req, res) => {
    const { params } = validateInput({
      params: { value: req.params, schema: idParams('id') },
      query: { value: req.query, schema: Joi.object({}) },
    });
    const person = await findPerson(deps.knex, callerOf(res).orgId, (params as { id: string }).id);
    if (!person) throw notFound('This person');
    res.json(person);
  });

  return router;
}
