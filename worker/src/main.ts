import { loadDeployment } from '@leadwell/providers/deployment';
import { openDatabase, query } from '@leadwell/shared/db/database';
import { adviseOnDatabaseError } from '@leadwell/shared/db/database-advice';
import { EARLIER_SCHEMA_ADVICE, isEarlierSchema } from '@leadwell/shared/db/earlier-schema';
import { resolveDatabaseUrl } from '@leadwell/shared/runtime/embedded-postgres';
import { limitHeapGrowth } from '@leadwell/shared/runtime/heap-growth';
import { logConsole } from '@leadwell/shared/runtime/log-console';
import { createLogger } from '@leadwell/shared/runtime/logger';
import { exitOnDefects, onShutdown } from '@leadwell/shared/runtime/shutdown';
import { startWorker } from './compose';

const SHUTDOWN_MS = 28_000;

async function main(): Promise<void> {
  limitHeapGrowth();
  const { config, waterfall } = loadDeployment(process.env);
  const logger = createLogger({ level: config.logLevel, name: 'worker' });
  exitOnDefects(logger);
  logConsole(logger);
  const database = await resolveDatabaseUrl(config);
  const knex = openDatabase({
    url: database.url,
    poolSize: config.databasePoolSize,
    applicationName: 'leadwell-worker',
    readsByIndex: true,
    plansOnce: true,
  });
  if (await isEarlierSchema(knex)) throw new Error(EARLIER_SCHEMA_ADVICE);
  // A consumer that starts while its database is down stays silent for ever: ask first, and exit instead.
  await query(knex, 'SELECT 1 FROM batches LIMIT 1');
  const closers = await startWorker({ config, databaseUrl: database.url, knex, waterfall, logger });
  onShutdown(
    [
      ...closers,
      { name: 'database', close: () => knex.destroy() },
      { name: 'embedded database', close: () => database.release() },
    ],
    { timeoutMs: SHUTDOWN_MS, logger },
  );
  logger.info(
    { concurrency: config.workerConcurrency, queue: config.redisUrl ? 'redis' : 'postgres' },
    'worker ready',
  );
}

main().catch((error: unknown) => {
  const message = adviseOnDatabaseError(error) ?? (error instanceof Error ? error.message : String(error));
  process.stderr.write(`${message}\n`);
  process.exit(1);
});
