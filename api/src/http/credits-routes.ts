import type { Knex } from '@leadwell/shared/db/database';
import {
  listCreditTransactions,
  readCreditStanding,
  type HistoryPosition,
} from '@leadwell/shared/repositories/credits';
import { Router } from 'express';
import Joi from 'joi';
import { callerOf, requireScope } from './authentication';
import { instant } from './instant-schema';
import { streamAnswer } from './stream-answer';
import { validateInput } from './validation';

/** Rows read at a time. A page is one short statement: a client that reads slowly holds no connection meanwhile. */
const PAGE_ROWS = 1_000;

const historyQuerySchema = Joi.object({
  startDate: instant,
  endDate: instant,
  limit: Joi.number().integer().min(1).max(100_000).default(100_000),
  offset: Joi.number().integer().min(0).default(0),
});

interface HistoryInput {
  startDate?: Date;
  endDate?: Date;
  limit: number;
  offset: number;
}

/** The organisation's credits: what it has, and how it came to have it. */
export function creditsRoutes(deps: { knex: Knex }): Router {
  const router = Router();

  router.get('/balance', requireScope('read'), async (req, res) => {
    validateInput({ query: { value: req.query, schema: Joi.object({}) } });
    const { orgId } = callerOf(res);
    const { balanceCredits, lowCreditsThreshold, isLow } = await readCreditStanding(deps.knex, orgId);
    res.json({ balance: balanceCredits, organizationId: orgId, lowCreditsThreshold, low: isLow });
  });

  router.get('/history', requireScope('read'), async (req, res) => {
    const { query } = validateInput({
      query: { value: req.query, schema: historyQuerySchema, convert: true },
    });
    const pieces = historyJson(deps.knex, callerOf(res).orgId, query as HistoryInput);
    await streamAnswer(res, 'json', pieces);
  });

  return router;
}

/** `{"transactions":[…],"count":n}` in pieces of a page. History only grows at its newest end, so pages that follow a position fit together. */
async function* historyJson(knex: Knex, orgId: string, input: HistoryInput): AsyncGenerator<string> {
  let count = 0;
  let after: HistoryPosition | null = null;
  let lead = '{"transactions":[';
  while (count < input.limit) {
    const limit = Math.min(PAGE_ROWS, input.limit - count);
    const page = await listCreditTransactions(knex, {
      orgId,
      startDate: input.startDate ?? null,
      endDate: input.endDate ?? null,
      after,
      offset: count === 0 ? input.offset : 0,
      limit,
    });
    if (page.transactions.length > 0) {
      yield lead + page.transactions.map((transaction) => JSON.stringify(transaction)).join(',');
      lead = ',';
    }
    count += page.transactions.length;
    after = page.end;
    if (page.transactions.length < limit) break;
  }
  yield `${count === 0 ? lead : ''}],"count":${count}}`;
}
