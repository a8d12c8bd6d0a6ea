/** Runs sequences from a seed, in lanes that have a database each, and says what broke the first that broke. */
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { commandSequences, drain, type Sequence } from './commands';
import { Service } from './service';
import { Session } from './session';

export interface ModelReport {
  seed: number;
  sequences: number;
  /** Commands that ran; each was compared with the model. */
  commands: number;
  seconds: number;
}

const MAX_COMMANDS = 80;
/** A database is left for a new one after so many: the audit reads all of it. */
const SEQUENCES_PER_DATABASE = 50;
/** What broke is made shorter for a minute or so, not for ten. */
const TRIES_TO_SHORTEN = 150;

/** Runs `sequences` of a seed. Throws what fast-check says of the shortest sequence that it found to break, with the way to run it again. */
export async function runModel(options: {
  seed: number;
  sequences: number;
  lanes: number;
}): Promise<ModelReport> {
  const { seed, sequences, lanes } = options;
  const startedAt = performance.now();
  const counts = await Promise.all(
    Array.from({ length: lanes }, (_, lane) => {
      const share = Math.floor((sequences + lane) / lanes);
      return runLane(seed + lane, share);
    }),
  );
  const commands = counts.reduce((sum, count) => sum + count, 0);
  return { seed, sequences, commands, seconds: Math.round((performance.now() - startedAt) / 1000) };
}

async function runLane(seed: number, sequences: number): Promise<number> {
  const databases = new Databases();
  let commands = 0;
  let triesToShorten: number | null = null;
  try {
    await fc.assert(
      fc.asyncProperty(commandSequences(MAX_COMMANDS), async (sequence) => {
        if (triesToShorten !== null && ++triesToShorten > TRIES_TO_SHORTEN) return;
        try {
          commands += await runSequence(databases, sequence);
        } catch (error) {
          triesToShorten ??= 0;
          throw error;
        }
      }),
      { seed, numRuns: sequences },
    );
  } finally {
    await databases.close();
  }
  return commands;
}

async function runSequence(databases: Databases, sequence: Sequence): Promise<number> {
  const { knex } = await databases.next();
  const session = new Session(await Service.start(knex));
  await fc.asyncModelRun(() => ({ model: session, real: session }), sequence);
  const commands = session.model.steps;
  await drain(session);
  await session.checkBooks();
  assert.deepEqual(databases.deadlocks, [], 'a deadlock: somebody takes locks in another order');
  return commands;
}

class Databases {
  readonly deadlocks: string[] = [];
  private current: TestDatabase | undefined;
  private uses = 0;

  async next(): Promise<TestDatabase> {
    if (this.uses++ % SEQUENCES_PER_DATABASE === 0) {
      await this.close();
      this.current = await createTestDatabase();
      // The transaction runner repeats what a deadlock broke off, so that nobody else would notice.
      this.current.knex.on('query-error', ({ code, message }: { code?: string; message: string }) => {
        if (code === '40P01') this.deadlocks.push(message);
      });
    }
    this.deadlocks.length = 0;
    return this.current!;
  }

  async close(): Promise<void> {
    await this.current?.drop();
    this.current = undefined;
  }
}
