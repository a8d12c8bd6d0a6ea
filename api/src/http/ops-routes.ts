import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { Config } from '@leadwell/shared/config/config';
import { AppError } from '@leadwell/shared/domain/errors';
import type { BatchQueues } from '@leadwell/shared/queue/batch-queues';
import { Router, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { createFailureLimit, type FailureLimit } from './failure-limit';

export interface OpsDependencies {
  config: Pick<Config, 'opsUser' | 'opsPassword' | 'authFailuresPerMinute'>;
  queues: Pick<BatchQueues, 'queues'>;
}

/** Where composeApi mounts it; the page's own links begin with it. */
export const OPS_QUEUES_PATH = '/ops/queues';

/** Makes trying passwords slow; a person does not notice. */
const REFUSAL_MS = 250;

/**
 * The queues for an operator's eyes: waiting and active jobs, on either backend. Jobs hold batch ids and nothing else.
 * Nothing can be changed here, whatever the page's buttons or a hand-made call ask for: jobs are derived from
 * PostgreSQL, and a change made to the queue alone would be undone by the relay, or would delay accepted work.
 * Without OPS_PASSWORD the router is empty: every path is unknown.
 */
export function opsRoutes({ config, queues }: OpsDependencies): Router {
  const router = Router();
  if (config.opsPassword === undefined) return router;
  // Of its own: a client with a wrong key must not lock an operator out.
  const failures = createFailureLimit(config.authFailuresPerMinute);
  router.use(admitOperator(config.opsUser, config.opsPassword, failures), readOnly, pagePolicy);
  router.use(queueBoard(queues));
  return router;
}

/** Basic authentication. Both halves are compared, by their hashes, in a time that does not depend on where they differ. */
function admitOperator(user: string, password: string, failures: FailureLimit): RequestHandler {
  return async (req, res, next) => {
    await failures.assertFew(req);
    const given = readBasic(req.get('authorization'));
    const rightUser = isSame(given.user, user);
    const rightPassword = isSame(given.password, password);
    if (rightUser && rightPassword) return next();
    await failures.note(req);
    await delay(REFUSAL_MS);
    res.set('WWW-Authenticate', 'Basic realm="leadwell operations", charset="UTF-8"');
    throw new AppError('UNAUTHORIZED', 'Send OPS_USER and OPS_PASSWORD by basic authentication.');
  };
}

function readBasic(header: string | undefined): { user: string; password: string } {
  const encoded = /^Basic +([A-Za-z0-9+/=]{1,4096})$/i.exec(header ?? '')?.[1] ?? '';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0
    ? { user: '', password: '' }
    : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function isSame(given: string, wanted: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}

/** Before the board: of its own read-only mode, "pause all" answers 200 and merely does nothing. */
const readOnly: RequestHandler = (req, _res, next) => {
  if (req.method === 'GET' || req.method === 'HEAD') return next();
  throw new AppError('FORBIDDEN', 'The queues can only be looked at here.');
};

/**
 * As strict as the page bears: its scripts are files of ours, its styles are partly inline, and its web fonts would tell
 * a third party who looks at our queues. No upgrade to HTTPS, which would break it behind plain HTTP.
 */
const pagePolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'self'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

function queueBoard({ queues }: OpsDependencies['queues']): RequestHandler {
  const serverAdapter = new ExpressAdapter().setBasePath(OPS_QUEUES_PATH);
  createBullBoard({
    queues: queues.map(
      (queue) =>
        new BullMQAdapter(queue, {
          readOnlyMode: true,
          description: 'One job is one batch. Whose: npm run cli -- batches --id <job id>',
        }),
    ),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Leadwell queues', hideRedisDetails: true } },
  });
  // An application of its own: what ours does not tell, it would.
  return (serverAdapter.getRouter() as Express).disable('x-powered-by');
}
