import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from './database';
import { allowStatementTime } from './silence';
import { classifyDatabaseError } from './sql-state';

const RETRIES = 3;

/**
 * Runs `work` in one READ COMMITTED transaction and commits, or rolls back and throws what it threw.
 * A deadlock or serialisation failure (40P01, 40001) runs it again, three times at most: `work` must have no effect
 * outside the transaction. The lock order that keeps deadlocks away is in docs/architecture.md.
 */
export async function inTransaction<T>(knex: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await knex.transaction(work);
    } catch (error) {
      if (retries >= RETRIES || classifyDatabaseError(error) !== 'retry') throw error;
      await delay(5 + Math.random() * 20 * 2 ** retries);
    }
  }
}

/** For what reads whole tables: erasures and reports, which nobody waits for in an HTTP call. Until the transaction ends. */
export async function allowLongStatements(trx: Knex.Transaction): Promise<void> {
  await allowStatementTime(trx, 600_000);
}
