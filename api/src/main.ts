import { loadDeployment } from '@leadwell/providers/deployment';
import { askableWaterfall } from '@leadwell/providers/askable';
import { EARLIER_SCHEMA_ADVICE, isEarlierSchema } from '@leadwell/shared/db/earlier-schema';
import { openDatabase } from '@leadwell/shared/db/database';
import { openBatchQueues, queueLocation } from '@leadwell/shared/queue/batch-queues';
import { createRelay } from '@leadwell/shared/relay/relay';
import { resolveDatabaseUrl } from '@leadwell/shared/runtime/embedded-postgres';
import { limitHeapGrowth } from '@leadwell/shared/runtime/heap-growth';
import { logConsole } from '@leadwell/shared/runtime/log-console';
import { createLogger } from '@leadwell/shared/runtime/logger';
import { exitOnDefects, onShutdown } from '@leadwell/shared/runtime/shutdown';
import { composeApi } from './compose';
import { limitConnections } from './http/connection-limit';
import { closeServer, createApiServer, listen } from './http/server';
import { gatherPublishes } from './use-cases/gather-publishes';

/** Calls under way get this long to be answered. */
const ANSWER_MS = 10_000;
const SHUTDOWN_MS = 20_000;
/**
 * A search marks the matches of a filter in memory, 72 bytes for a page of leads. In the server's usual 4 MB there is room for
 * 58,000 pages, 400,000 leads; beyond, every lead of a page is tested again.
 */
const SEARCH_WORK_MEM_MB = 32;

/** Neither the database nor the queue must be up: until they are, calls are answered 503, and accepted work waits. */
async function main(): Promise<void> {
  limitHeapGrowth();
  const { config, waterfall } = loadDeployment(process.env);
  const logger = createLogger({ level: config.logLevel, name: 'api' });
  exitOnDefects(logger);
  logConsole(logger);
  const database = await resolveDatabaseUrl(config);
  const knex = openDatabase({
    url: database.url,
    poolSize: config.databasePoolSize,
    applicationName: 'leadwell-api',
    workMemMb: SEARCH_WORK_MEM_MB,
    readsByIndex: true,
  });
  const queues = openBatchQueues(queueLocation(config, database.url), (error) =>
    logger.warn({ err: error }, 'queue connection'),
  );
  const relay = createRelay({ knex, queues, waterfall: askableWaterfall(waterfall), config, logger });
  const publisher = gatherPublishes(relay);
  const server = createApiServer(composeApi({ config, knex, publisher, queues, waterfall, logger }));
  limitConnections(server, config.maxConnections, logger);
  onShutdown(
    [
      { name: 'calls under way', close: () => closeServer(server, ANSWER_MS) },
      { name: 'queues', close: () => queues.close() },
      { name: 'database', close: () => knex.destroy() },
      { name: 'embedded database', close: () => database.release() },
    ],
    { timeoutMs: SHUTDOWN_MS, logger },
  );
  const port = await listen(server, config.port, config.host);
  logger.info({ host: config.host, port }, 'api ready');
  // Asked last: a database that is away must not keep this process from answering.
  if (await isEarlierSchema(knex).catch(() => false)) throw new Error(EARLIER_SCHEMA_ADVICE);
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  process.stderr.write(`${message}${isTaken ? '. Stop what listens there, or set another PORT.' : ''}\n`);
  process.exit(1);
});
