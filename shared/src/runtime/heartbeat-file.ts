import { readFileSync } from 'node:fs';
import type { Field } from '../domain/enrichment';

/** What a worker last wrote of itself, by the clock of its machine. */
export interface Heartbeat {
  /** When its relay last turned, whether or not PostgreSQL and the queue answered. */
  turnedMs: number;
  /** Batches of each field that it works at a time. */
  concurrency: number;
  jobs: Readonly<Record<Field, { atWork: number; takenMs: number }>>;
}

/** The heartbeat in a file; undefined where there is none, or none that can be read. */
export function readHeartbeat(file: string): Heartbeat | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Heartbeat;
  } catch {
    return undefined;
  }
}

/** A relay turns every 60 s at most (CHECK_SECONDS), and a turn that sweeps a lot takes a while. */
const STALE_MS = 120_000;
/** Work that has been in the queue for a minute should have been taken by an idle worker. */
const IDLE_MS = 60_000;

/**
 * Why a worker is not well, a sentence that says what to do; null: it is well. `waiting` are the fields of which work has
 * been in the queue for a minute and nobody takes it. Being up is not enough; being idle without work is.
 */
export function findWorkerFault(
  beat: Heartbeat | undefined,
  waiting: readonly Field[],
  nowMs: number,
): string | null {
  if (!beat) return 'The worker has written no heartbeat: it has not started, or writes another file.';
  const turnedSeconds = Math.round((nowMs - beat.turnedMs) / 1000);
  if (nowMs - beat.turnedMs > STALE_MS)
    return `The worker’s relay last turned ${turnedSeconds} s ago: restart it. Its work goes on elsewhere.`;
  const starving = waiting.filter((field) => {
    const { atWork, takenMs } = beat.jobs[field];
    return atWork < beat.concurrency && nowMs - takenMs > IDLE_MS;
  });
  return starving.length === 0
    ? null
    : `Batches (${starving.join(', ')}) wait in the queue and the worker takes none: run the doctor; if it finds the queue well, restart the worker.`;
}
