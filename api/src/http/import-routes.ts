import type { Config } from '@leadwell/shared/config/config';
import type { Knex } from '@leadwell/shared/db/database';
import { Router } from 'express';
import Joi from 'joi';
import type { Logger } from 'pino';
import { importFile } from '../use-cases/import-file';
import { ImportPlaces } from '../use-cases/import-places';
import { callerOf, requireScope } from './authentication';
import { liftBodyTimeLimit } from './body-time';
import { assertImportSize, importFormatOf, receiveBody } from './import-body';
import { validateInput } from './validation';

/** What the readers' messages call the formats here. */
const formatWords = { csv: 'Content-Type: text/csv', ndjson: 'Content-Type: application/x-ndjson' };

/**
 * `POST /import`: a file of leads, `text/csv` or `application/x-ndjson`, up to 1 GB, becomes leads that the caller's organisation
 * alone sees. It is imported while it arrives, in chunks of 1,000 rows, one transaction each. Answers, when the file has
 * ended, `{ inserted, updated, unchanged, rejected, rejections, ignoredColumns }`: four counts of rows, the first 100 rejected
 * rows as `{ line, column, message }`, and the CSV headers that nobody knows.
 *
 * Where it breaks off — the client goes away, the file is too large, the database fails — the chunks before stay; sent
 * again, they count as unchanged. An organisation has one import at a time (409), a process a few (429), both with
 * Retry-After.
 */
export function importRoutes(deps: {
  knex: Knex;
  logger: Logger;
  config: Pick<Config, 'databasePoolSize'>;
}): Router {
  const router = Router();
  const places = ImportPlaces.ofPool(deps.config.databasePoolSize);

  router.post('/import', requireScope('import'), async (req, res) => {
    validateInput({ query: { value: req.query, schema: Joi.object({}) } });
    const declared = importFormatOf(req);
    assertImportSize(req);
    const { orgId } = callerOf(res);
    const free = places.take(orgId);
    const limitAgain = liftBodyTimeLimit(req, res);
    try {
      res.json(await importFile(deps, { orgId, ...declared, formatWords, source: receiveBody(req) }));
    } finally {
      free();
      limitAgain();
      // What is left of a file that was refused is read and thrown away, within that limit: unread, it would hold up the next
      // call on this connection.
      req.resume();
    }
  });

  return router;
}
