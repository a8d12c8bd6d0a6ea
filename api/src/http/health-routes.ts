import { query, type Knex } from '@leadwell/shared/db/database';
import { AppError } from '@leadwell/shared/domain/errors';
import { withDeadline } from '@leadwell/shared/queue/deadline';
import { Router } from 'express';
import { watchPool } from './pool-progress';

/** Each part has this long to answer; they are asked at once. */
const PART_LIMIT_MS = 1_000;

export interface HealthDependencies {
  knex: Knex;
  /** Rejects where the queue does not answer. */
  askQueue: () => Promise<unknown>;
}

type PartState = 'up' | 'away';

/**
 * `/live`: this process makes progress. That it answers shows that its event loop turns; 503 where its pool of connections is
 * stuck, which only a restart heals. The database may be away: a restart would not bring it back.
 *
 * `/ready`: it can serve; says which part is away. 503 without the database, for nothing can be accepted. 200 without the
 * queue, with `queue: 'away'`: what is accepted is in PostgreSQL and is queued when the queue is back, so taking
 * the API out of service would turn a delay of work into a refusal of orders, and of reads that need no queue.
 */
export function healthRoutes(deps: HealthDependencies): Router {
  const router = Router();
  const isStuck = watchPool(deps.knex);
  // Anybody may ask, as often as they like: those who ask at once share one connection and one question.
  const askParts = shareWhileUnderWay(() =>
    Promise.all([
      stateOf('the database', () => query(deps.knex, 'SELECT 1')),
      stateOf('the queue', deps.askQueue),
    ]),
  );

  router.get('/live', (_req, res) => {
    if (isStuck())
      throw unhealthy('The database connections of this process are stuck. Restart it.', ['pool']);
    res.json({ status: 'live' });
  });

  router.get('/ready', async (_req, res) => {
    const [database, queue] = await askParts();
    if (database === 'away') {
      throw unhealthy('The database does not answer.', ['database', ...(queue === 'away' ? ['queue'] : [])]);
    }
    res.json({ status: 'ready', database, queue });
  });

  return router;
}

/** Calls `ask` once at a time; who comes meanwhile gets the same answer. */
function shareWhileUnderWay<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => (underWay ??= ask().finally(() => (underWay = undefined)));
}

async function stateOf(what: string, ask: () => Promise<unknown>): Promise<PartState> {
  try {
    await withDeadline(ask(), PART_LIMIT_MS, `asking ${what}`);
    return 'up';
  } catch {
    return 'away';
  }
}

function unhealthy(message: string, parts: string[]): AppError {
  const details = parts.map((part) => ({
    part,
    message:
      part === 'pool'
        ? 'nothing moved for a minute'
        : `refused, or gave no answer within ${PART_LIMIT_MS} ms`,
  }));
  return new AppError('UNAVAILABLE', message, { details, retryAfterSeconds: 2 });
}
