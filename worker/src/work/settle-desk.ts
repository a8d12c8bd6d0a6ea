import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { classifyDatabaseError } from '@leadwell/shared/db/sql-state';
import type { Ending } from '@leadwell/shared/domain/ending';
import type { Settlement, SettleResult } from '@leadwell/shared/settle/settle';
import type { BatchRun } from './batch-run';
import type { WorkRow } from './work-row';

const GROUP_AT_MOST = 25;
/** All batches of a process settle at the same moments, so that they settle together; each process has moments of its own. */
const EVERY_MS = 1_000;
const PHASE_MS = Math.random() * EVERY_MS;

export interface SettleDeskOptions {
  /** Settles a group of the batch; rejects where the database refuses. */
  settle: (settlement: Settlement) => Promise<SettleResult>;
  logger: Logger;
  /** A row whose hit is gone: to be planned again. */
  planAgain: (row: WorkRow) => void;
  /** The process is being ended hard: give up settling. */
  signal: AbortSignal;
}

/**
 * Gathers the endings of one batch and settles them in small groups: 25 rows, one second, or the last open rows,
 * whichever comes first; a phone that was found at once.
 */
export class SettleDesk {
  private readonly waiting = new Map<WorkRow, Ending>();
  private timer: NodeJS.Timeout | undefined;
  private settling = false;

  constructor(
    private readonly run: BatchRun,
    private readonly options: SettleDeskOptions,
  ) {}

  add(row: WorkRow, ending: Ending): void {
    this.run.move(row, 'settling');
    this.waiting.set(row, ending);
    this.timer ??= setTimeout(
      () => void this.flush(),
      EVERY_MS - ((performance.now() + PHASE_MS) % EVERY_MS),
    );
    if (this.isDue(row, ending)) void this.flush();
  }

  /** Rows left the batch otherwise: what waits may now be the last. */
  recheck(): void {
    if (this.waiting.size > 0 && this.waiting.size >= this.run.openCount) void this.flush();
  }

  private isDue(row: WorkRow, ending: Ending): boolean {
    if (this.waiting.size >= GROUP_AT_MOST || this.waiting.size >= this.run.openCount) return true;
    return ending.found && row.field === 'phones';
  }

  /** One settle of a batch at a time; what comes meanwhile goes with the next. */
  private async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.settling || this.waiting.size === 0) return;
    this.settling = true;
    const group = [...this.waiting].slice(0, GROUP_AT_MOST);
    for (const [row] of group) this.waiting.delete(row);
    const result = await this.settleUntilDone(group.map(([, ending]) => ending));
    this.settling = false;
    this.conclude(
      group.map(([row]) => row),
      result,
    );
    if (this.waiting.size > 0) await this.flush();
  }

  /** The database may be away: what was found is kept until it is back, or until the process is ended hard. */
  private async settleUntilDone(endings: Ending[]): Promise<SettleResult> {
    for (let tries = 0; !this.options.signal.aborted; tries++) {
      try {
        return await this.options.settle({ batch: this.run.batch, endings });
      } catch (error) {
        const { id: batchId, requestId } = this.run.batch;
        const note = { err: error, batchId, requestId };
        if (classifyDatabaseError(error) === 'other') {
          // A defect would repeat for ever: left alone, the batch comes back, and is given up after three deliveries.
          this.options.logger.error(note, 'a group could not be settled; the batch is left to the relay');
          return { stale: true };
        }
        this.options.logger.warn(note, 'a group could not be settled; trying again');
        await delay(Math.min(100 * 2 ** tries, 2_000), undefined, { signal: this.options.signal }).catch(
          () => undefined,
        );
      }
    }
    return { stale: true };
  }

  private conclude(rows: readonly WorkRow[], result: SettleResult): void {
    if (result.stale) this.run.stop('lost');
    else this.run.onSettled();
    if (!result.stale && result.batchCompleted) this.run.complete();
    for (const row of rows) {
      if (!result.stale && result.withoutHit.has(row.enrichmentId)) this.options.planAgain(row);
      else this.run.close(row);
    }
  }
}
