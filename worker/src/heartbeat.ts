/**
 * A worker has no port to be asked on: it writes what it is doing into a file, which `npm run cli -- worker-health` reads.
 * A process that is up and does nothing shows there: its relay no longer turns, or it takes no job though some wait.
 */
import { renameSync, writeFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { FIELDS, type Field } from '@leadwell/shared/domain/enrichment';
import type { Heartbeat as Beat } from '@leadwell/shared/runtime/heartbeat-file';

export class Heartbeat {
  private readonly jobs = new Map(FIELDS.map((field) => [field, { atWork: 0, takenMs: Date.now() }]));

  /** Without a file nothing is written. */
  constructor(
    private readonly file: string | undefined,
    private readonly concurrency: number,
    private readonly logger: Logger,
  ) {}

  /** Counts a job of a field while it is worked. */
  async count<T>(field: Field, work: () => Promise<T>): Promise<T> {
    const job = this.jobs.get(field) as { atWork: number; takenMs: number };
    job.atWork++;
    job.takenMs = Date.now();
    try {
      return await work();
    } finally {
      job.atWork--;
    }
  }

  /** To be called whenever the relay has turned, whatever came of it. Never throws: the check sees a file that grows old. */
  beat(): void {
    if (this.file === undefined) return;
    const beat: Beat = {
      turnedMs: Date.now(),
      concurrency: this.concurrency,
      jobs: Object.fromEntries(this.jobs) as Beat['jobs'],
    };
    try {
      // Whole or not at all: the check may read at any moment.
      writeFileSync(`${this.file}.new`, JSON.stringify(beat));
      renameSync(`${this.file}.new`, this.file);
    } catch (error) {
      this.logger.warn({ err: error }, 'WORKER_HEARTBEAT_FILE cannot be written; the health check will fail');
    }
  }
}
