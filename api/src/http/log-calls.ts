import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { requestIdOf } from './request-id';

/** Logs every call when it ends: who, what, how long. No query, body or header: they may hold a secret or a person's data. */
export function logCalls(logger: Logger): RequestHandler {
  return (req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () => {
      const caller = res.locals.caller as { orgId: string; keyId: string } | undefined;
      logger.info(
        {
          requestId: requestIdOf(res),
          method: req.method,
          path: req.originalUrl.split('?', 1)[0],
          status: res.statusCode,
          wholeAnswer: res.writableFinished,
          durationMs: Math.round(performance.now() - startedAt),
          orgId: caller?.orgId,
          keyId: caller?.keyId,
        },
        'call',
      );
    });
    next();
  };
}
