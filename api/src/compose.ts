import { askableWaterfall } from '@leadwell/providers/askable';
import type { Waterfall } from '@leadwell/providers/provider';
import type { Config } from '@leadwell/shared/config/config';
import type { Knex } from '@leadwell/shared/db/database';
import { validationError } from '@leadwell/shared/domain/errors';
import type { BatchQueues } from '@leadwell/shared/queue/batch-queues';
import express, { Router, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { authenticate } from './http/authentication';
import { limitBodyTime } from './http/body-time';
import { creditsRoutes } from './http/credits-routes';
import { enrichRoutes } from './http/enrich-routes';
import { answerErrors, answerUnknownPath } from './http/error-answers';
import { createFailureLimit } from './http/failure-limit';
import { healthRoutes } from './http/health-routes';
import { importRoutes } from './http/import-routes';
import { limitKeyRate } from './http/key-rate-limit';
import { logCalls } from './http/log-calls';
import { lookupRoutes } from './http/lookup-routes';
import { OPS_QUEUES_PATH, opsRoutes } from './http/ops-routes';
import { assignRequestId } from './http/request-id';
import { requestActionRoutes } from './http/request-action-routes';
import { requestsRoutes } from './http/requests-routes';
import { searchRoutes } from './http/search-routes';
import type { Publisher } from './use-cases/publish-soon';

export interface ApiDependencies {
  config: Config;
  knex: Knex;
  publisher: Publisher;
  /** Shown to operators, and asked for readiness. */
  queues: Pick<BatchQueues, 'queues' | 'getState'>;
  waterfall: Waterfall;
  logger: Logger;
}

/** The whole API on what it needs, not yet listening: `main` gives it a port, tests run it in process. */
export function composeApi(deps: ApiDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  // Whose address counts: the one that the last of our own proxies saw.
  app.set('trust proxy', deps.config.trustedProxies);
  // Only one call promises an ETag, and makes its own; the hash of a thousand rows is not free.
  app.disable('etag');
  app.use(
    assignRequestId,
    logCalls(deps.logger),
    helmet(),
    neverCached,
    limitBodyTime(),
    requireSingleHeaders,
  );
  app.use('/health', healthRoutes({ knex: deps.knex, askQueue: () => askQueue(deps.queues) }));
  app.use(OPS_QUEUES_PATH, opsRoutes(deps));
  const failures = createFailureLimit(deps.config.authFailuresPerMinute);
  app.use('/api/v1', authenticate(deps.knex, failures), limitKeyRate(deps.config), apiRoutes(deps));
  app.use(answerUnknownPath);
  app.use(answerErrors(deps.logger));
  return app;
}

/** No job has this id: any answer will do. */
function askQueue(queues: ApiDependencies['queues']): Promise<unknown> {
  return queues.getState('emails', 'b-health-g0');
}

function apiRoutes(deps: ApiDependencies): Router {
  const router = Router();
  router.use(searchRoutes(deps));
  router.use('/entities/leads', importRoutes(deps));
  router.use('/operations/credits', creditsRoutes(deps));
  const waterfall = askableWaterfall(deps.waterfall);
  // Before the routes that take a person id.
  router.use(
    '/operations/enrichment/requests',
    requestsRoutes(deps),
    requestActionRoutes({ ...deps, waterfall }),
  );
  router.use('/operations/enrichment', lookupRoutes(deps), enrichRoutes({ ...deps, waterfall }));
  return router;
}

/** Answers belong to one organisation and change: no cache on the way may keep one, a client may ask whether its own still holds. */
const neverCached: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'private, no-cache');
  next();
};

/** Of each of these Node takes the first, or joins them; a proxy before us may have taken another. */
const SINGLE_HEADERS = ['Host', 'Authorization', 'Content-Type', 'Idempotency-Key'];

/** Source: https://www.rfc-editor.org/rfc/rfc9112#section-3.2, https://www.rfc-editor.org/rfc/rfc9110#section-5.3 */
const requireSingleHeaders: RequestHandler = (req, _res, next) => {
  const countOf = (name: string): number => req.headersDistinct[name.toLowerCase()]?.length ?? 0;
  const twice = SINGLE_HEADERS.filter((name) => countOf(name) > 1);
  const faults = twice.map((path) => ({ path, message: 'is there twice' }));
  if (req.httpVersion === '1.1' && countOf('Host') === 0)
    faults.push({ path: 'Host', message: 'is required' });
  if (faults.length > 0) throw validationError(faults);
  next();
};
