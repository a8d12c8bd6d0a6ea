import type { WorkBatch, WorkRow } from './work-row';

/**
 * Where a row is. `moving`: planned, pooled or waiting; `parked`: its provider answers later. Both can be dropped; the
 * others run to their end. `storing`: answered, which is being stored.
 */
type Place = 'moving' | 'parked' | 'calling' | 'storing' | 'settling';

/** `parked`: nothing else is to do, and the next poll is some time away. */
export type RunEnd = 'completed' | 'lost' | 'stopped' | 'parked';

/** Less is waited for under the lease: a batch that is given back comes again after a check of the relay. */
const GIVE_BACK_MS = 3_000;

/**
 * One batch while this worker has it: which of its rows are open, and where. Ends when no row is open. Losing the lease
 * or stopping drops the rows that nobody has asked for; calls under way run to their end and are answered.
 */
export class BatchRun {
  readonly batch: WorkBatch;
  private readonly places = new Map<WorkRow, Place>();
  private readonly parkedUntilMs = new Map<WorkRow, number>();
  private readonly abort = new AbortController();
  private readonly ended: Promise<RunEnd>;
  private resolveEnded: (end: RunEnd) => void = () => undefined;
  private end: RunEnd = 'completed';
  private isComplete = false;

  /** `onSettled` is called whenever some of it was settled. */
  constructor(
    batch: Omit<WorkBatch, 'signal'>,
    readonly onSettled: () => void = () => undefined,
  ) {
    this.batch = { ...batch, signal: this.abort.signal };
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }

  /** Resolves when no row is open. */
  get done(): Promise<RunEnd> {
    return this.ended;
  }

  /** Rows that are not parked: what may still be settled soon. */
  get openCount(): number {
    return this.places.size - this.parkedUntilMs.size;
  }

  /** Rows that are neither settling nor parked: what may still come to a provider. */
  get movingCount(): number {
    let count = 0;
    for (const place of this.places.values()) if (place !== 'parked' && place !== 'settling') count++;
    return count;
  }

  /** Whether the answer to one of its rows may still come soon. */
  get isToBeAnswered(): boolean {
    for (const place of this.places.values()) if (place === 'moving' || place === 'calling') return true;
    return false;
  }

  /** Until the first parked row is to be polled; 0 where none is. */
  get waitMs(): number {
    const untilMs = Math.min(...this.parkedUntilMs.values());
    return untilMs === Infinity ? 0 : Math.max(0, untilMs - Date.now());
  }

  start(rows: readonly WorkRow[]): void {
    for (const row of rows) this.places.set(row, 'moving');
    this.checkDone();
  }

  has(row: WorkRow): boolean {
    return this.places.has(row);
  }

  /** The row waits for a poll. A run that does nothing but wait ends, for as long as that is worth it. */
  park(row: WorkRow, waitMs: number): void {
    if (!this.places.has(row)) return;
    if (this.abort.signal.aborted) return this.close(row);
    this.places.set(row, 'parked');
    this.parkedUntilMs.set(row, Date.now() + waitMs);
    this.checkDone();
  }

  move(row: WorkRow, place: Exclude<Place, 'parked'>): void {
    if (!this.places.has(row)) return;
    this.parkedUntilMs.delete(row);
    if (place === 'moving' && this.abort.signal.aborted) this.places.delete(row);
    else this.places.set(row, place);
    this.checkDone();
  }

  /** A row that has ended, or is no longer ours. */
  close(row: WorkRow): void {
    this.places.delete(row);
    this.parkedUntilMs.delete(row);
    this.checkDone();
  }

  /** No new ask from here on. `lost`: another has the batch; `stopped`: this process ends. */
  stop(end: 'lost' | 'stopped'): void {
    if (this.end === 'lost' || this.isComplete) return;
    this.end = end;
    this.dropMoving();
  }

  /**
   * Nothing of the batch is pending any more. What is still open here was ended by another: cancelled while it waited,
   * perhaps for a limit that grants it nothing for hours.
   */
  complete(): void {
    this.isComplete = true;
    this.dropMoving();
  }

  private dropMoving(): void {
    this.abort.abort();
    for (const [row, place] of this.places)
      if (place === 'moving' || place === 'parked') this.places.delete(row);
    this.parkedUntilMs.clear();
    this.checkDone();
  }

  private checkDone(): void {
    const isParked = this.places.size > 0 && this.parkedUntilMs.size === this.places.size;
    if (isParked && this.waitMs >= GIVE_BACK_MS) {
      this.end = 'parked';
      this.places.clear();
      this.abort.abort();
    }
    if (this.places.size === 0) this.resolveEnded(this.end);
  }
}
