import type { Command } from 'commander';
import { readMonths } from '../arguments';
import { inBytes } from '../bytes';
import { dropOldData, listOldData, type OldData } from '../drop-old-data';
import { formatTable, writeNote, writeResult, type OutputOptions } from '../output';
import { withDatabase } from '../with-database';

interface DropOptions extends OutputOptions {
  olderThan: number;
  dryRun?: boolean;
}

/** `data drop`. */
export function addDataCommands(program: Command): void {
  program
    .command('data')
    .description('what lies in the database')
    .command('drop')
    .description(
      'drop whole months of requests, lists and attempts, and expired answers; enrichments, values and credits stay',
    )
    .requiredOption('--older-than <months>', 'what ended longer ago than this, such as 6mo', readMonths)
    .option('--dry-run', 'only show what it would be')
    .option('--json', 'print the result as JSON, on the last line')
    .action(drop);
}

async function drop(options: DropOptions): Promise<void> {
  await withDatabase(async (knex) => {
    const data = options.dryRun
      ? await listOldData(knex, options.olderThan)
      : await dropOldData(knex, options.olderThan, writeNote);
    writeResult(options, data, describe(data, options.dryRun ? 'Would drop' : 'Dropped'));
  }, LONG);
}

/** Counting reads whole months; what waits for a lock has a limit of its own. */
const LONG = { statementTimeoutMs: 0 };

function describe({ before, months, batches, strays, lookups }: OldData, verb: string): string {
  const rows = months.map(({ month, table, rows, bytes }) => [month, table, String(rows), inBytes(bytes)]);
  const total = months.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    ...(rows.length > 0 ? [formatTable(['MONTH', 'TABLE', 'ROWS', 'SIZE'], rows)] : []),
    `${verb} what is from before ${before.slice(0, 10)}: ${months.length} partitions with ${inBytes(total)}, ` +
      `${batches} batches, ${lookups} expired answers, ${strays} rows outside their month.`,
  ].join('\n');
}
