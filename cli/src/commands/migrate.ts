import { migrateUp } from '@leadwell/migrations/migrate';
import { makeMonths } from '@leadwell/shared/repositories/months';
import { migrateQueueSchema } from '@leadwell/shared/queue/postgres-queue-schema';
import type { Command } from 'commander';
import { writeResult, type OutputOptions } from '../output';
import { refuseForeignSchema, withAnyDatabase } from '../with-database';

/**
 * A table of millions may take minutes to change. But what waits for a lock on it keeps every later statement waiting behind it:
 * below the 15 s that those may take, and repeated by whoever deploys.
 */
const TIMEOUTS = { statementTimeoutMs: 0, lockTimeoutMs: 5_000 };

/** `migrate`: brings the schema, the queue's included, to the newest version, and makes the coming months. Repeating it changes nothing. */
export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('bring the database schema to the newest version')
    .option('--json', 'print the result as JSON, on the last line')
    .action(runMigrate);
}

async function runMigrate(options: OutputOptions): Promise<void> {
  const applied = await withAnyDatabase(async (knex, url) => {
    await refuseForeignSchema(knex);
    const names = await migrateUp(knex);
    await makeMonths(knex);
    await migrateQueueSchema(url);
    return names;
  }, TIMEOUTS);
  writeResult(
    options,
    { applied },
    applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The schema is up to date.',
  );
}
