/**
 * Where rows wait for one provider. Rows of all batches of this process are pooled, so that providers with large calls
 * get them full, also late in the waterfall; organisations take turns. Which rows go is decided when the limiter has
 * granted the call, not before: whoever came last is not behind a queue that was filled earlier.
 */
import type { Provider } from '@leadwell/providers/provider';
import type { Limiter, Refusal, Reservation } from '../limits/reservation';
import type { RowAtTurn } from './ask';
import { TurnQueue } from './turn-queue';

/** A call that is not full waits this long for more rows, while more may come. */
const LINGER_MS = 1_000;
const LINGER_CHECK_MS = 25;

export interface ProviderPoolOptions {
  provider: Provider;
  /** Questions that one call may hold. */
  maxQuestions: number;
  limiter: Limiter;
  /** Rows that are neither here nor settling and may still come. */
  countElsewhere: () => number;
  /** Asks and calls with a granted reservation; owns what becomes of the rows. Must not reject. */
  call: (rows: RowAtTurn[], reservation: Reservation) => Promise<void>;
  /** The provider cannot be asked now: its waiting rows pass it over. */
  passOver: (rows: RowAtTurn[], because: string) => void;
  signal: AbortSignal;
}

export class ProviderPool {
  private readonly queue = new TurnQueue<RowAtTurn>();
  private tasks = 0;
  private calling = 0;
  private oldestMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ProviderPoolOptions) {}

  /** Rows that wait here or are in a call. */
  get count(): number {
    return this.queue.size + this.calling;
  }

  private get maxQuestions(): number {
    const { provider, limiter, maxQuestions } = this.options;
    return Math.max(1, Math.min(maxQuestions, limiter.recordsAtMost(provider)));
  }

  add(entry: RowAtTurn): void {
    if (this.queue.size === 0) this.oldestMs = Date.now();
    this.queue.add(entry.row.run.batch.orgId, entry);
    this.pump();
  }

  private pump(): void {
    const { provider, signal } = this.options;
    const callsWaiting = Math.ceil(this.queue.size / this.maxQuestions);
    while (!signal.aborted && this.tasks < Math.min(callsWaiting, provider.concurrent) && !this.lingers()) {
      this.tasks++;
      void this.reserveAndCall().finally(() => {
        this.pump();
      });
    }
  }

  /** Whether what would go now is less than a full call, and more may come soon. */
  private lingers(): boolean {
    const full = (this.tasks + 1) * this.maxQuestions;
    if (
      this.queue.size >= full ||
      Date.now() - this.oldestMs >= LINGER_MS ||
      this.options.countElsewhere() === 0
    )
      return false;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, LINGER_CHECK_MS);
    return true;
  }

  /** One task from reservation to answer; it counts as waiting only until it has taken its rows. */
  private async reserveAndCall(): Promise<void> {
    const { provider, limiter, signal } = this.options;
    const size = Math.max(1, Math.min(this.maxQuestions, this.queue.size));
    const reservation = await limiter.reserve(provider, size, signal, { claimFollows: true });
    this.tasks--;
    // The provider told a smaller limit meanwhile: smaller calls are made of the same rows.
    if (!reservation.granted && size > this.maxQuestions) return;
    if (!reservation.granted) return this.refuse(reservation);
    const rows = this.take(size);
    if (rows.length === 0) return reservation.release();
    this.calling += rows.length;
    await this.options.call(rows, reservation).finally(() => {
      this.calling -= rows.length;
    });
  }

  private refuse(refusal: Refusal): void {
    if (refusal.reason === 'aborted') return;
    this.options.passOver(this.take(Number.MAX_SAFE_INTEGER), refusal.message);
  }

  private take(atMost: number): RowAtTurn[] {
    const rows = this.queue.take(atMost, ({ row }) => row.run.has(row) && !row.run.batch.signal.aborted);
    this.oldestMs = Date.now();
    return rows;
  }
}
