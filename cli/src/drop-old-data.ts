import type { Knex } from '@leadwell/shared/db/database';
import {
  countOldRows,
  countOpenWork,
  deleteExpiredLookups,
  deleteOldBatches,
  deleteOldStrays,
  dropMonth,
  listOldMonths,
  readCutOff,
  type OldMonth,
  type OldRows,
} from '@leadwell/shared/repositories/old-data';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from './errors';

/** What is from before a moment, and was dropped, or would be. */
export interface OldData extends OldRows {
  before: string;
  months: OldMonth[];
}

/** What there is to be dropped; changes nothing. */
export async function listOldData(knex: Knex, olderThanMonths: number): Promise<OldData> {
  const before = await readCutOff(knex, olderThanMonths);
  return { before, months: await listOldMonths(knex, before), ...(await countOldRows(knex, before)) };
}

/**
 * Drops requests with their batches and lists, attempts, and expired answers from before whole months ago. Enrichments, values and the
 * ledger stay, and with them all that the audit reads. Broken off, it goes on when it is called again: nothing that is left is wrong.
 * Refuses, before anything is dropped, while any work from before is open.
 */
export async function dropOldData(
  knex: Knex,
  olderThanMonths: number,
  say: (progress: string) => void,
): Promise<OldData> {
  const before = await readCutOff(knex, olderThanMonths);
  const open = await countOpenWork(knex, before);
  if (open > 0)
    throw new CliError(
      `${open} batches and rows from before ${before.slice(0, 10)} have not ended. Nothing was dropped. They end within their deadline ` +
        'where a worker runs; `npm run cli -- doctor` says whether one does.',
    );
  const batches = await deleteOldBatches(knex, before);
  if (batches > 0) say(`Deleted ${batches} batches.`);
  const months = await listOldMonths(knex, before);
  for (const month of months) {
    await drop(knex, month);
    say(`Dropped ${month.table} of ${month.month}: about ${month.rows} rows.`);
  }
  const strays = await deleteOldStrays(knex, before);
  const lookups = await deleteExpiredLookups(knex, before);
  return { before, months, batches, strays, lookups };
}

const TRIES = 20;

/** Between two tries accepts have the table for themselves. */
async function drop(knex: Knex, month: OldMonth): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      if (await dropMonth(knex, month)) return;
      throw new CliError(`Work of ${month.month} was opened meanwhile. That month was left; try again.`);
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error;
      if (tries === TRIES)
        throw new CliError(
          `${month.table} of ${month.month} was in use for too long. What was dropped so far is whole; try again, or look for long transactions in pg_stat_activity.`,
        );
      await delay(200 + Math.random() * 800);
    }
  }
}
