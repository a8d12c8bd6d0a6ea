import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Knex } from '@leadwell/shared/db/database';
import { classifyDatabaseError } from '@leadwell/shared/db/sql-state';
import { storeAnswers, type LookupAnswer } from '@leadwell/shared/repositories/asks';
import { combine } from './combine';

/** Stores the answers of one call. Resolves when they are durable; rejects only for a defect, or when the process is ended hard. */
export type AnswerStore = (answers: readonly LookupAnswer[]) => Promise<void>;

export interface AnswerStoreOptions {
  knex: Knex;
  logger: Logger;
  hardSignal: AbortSignal;
  /** Whether more answers may come soon; where none may, none is waited for. */
  moreMayCome: () => boolean;
}

/**
 * A commit for each of two hundred answers a second is what PostgreSQL has least time for. An answer that comes alone, or that no
 * other can join, is stored at once; a crash loses no more than if the provider had answered so much later.
 */
const EVERY_MS = 100;

/** Answers of calls that end together are stored together: a paid answer waits for the database, however long it is away. */
export function createAnswerStore(options: AnswerStoreOptions): AnswerStore {
  return combine<readonly LookupAnswer[], void>({
    concurrency: 2,
    sizeAtMost: 25,
    everyMs: EVERY_MS,
    mayGrow: options.moreMayCome,
    async run(calls) {
      const answers = calls.flat();
      // One statement keeps one answer a lookup. Two of one lookup are one question asked twice: each has its own say.
      const isOneEach = new Set(answers.map((answer) => answer.lookupId)).size === answers.length;
      for (const group of isOneEach ? [answers] : calls) {
        await untilStored(options, () => storeAnswers(options.knex, group));
      }
      return calls.map(() => undefined);
    },
  });
}

/** The database may be away: what a provider was paid for is kept until it is back, or until the process is ended hard. */
export async function untilStored(
  { logger, hardSignal }: Pick<AnswerStoreOptions, 'logger' | 'hardSignal'>,
  write: () => Promise<void>,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await write();
    } catch (error) {
      // A defect would repeat for ever: the question expires, is asked again, and fails in the end.
      if (hardSignal.aborted || classifyDatabaseError(error) === 'other') throw error;
      logger.warn({ err: error }, 'answers could not be stored; trying again');
      await delay(Math.min(100 * 2 ** tries, 2_000), undefined, { signal: hardSignal }).catch(
        () => undefined,
      );
    }
  }
}
