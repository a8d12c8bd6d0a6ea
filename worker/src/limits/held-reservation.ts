import type { ProviderResponse } from '@leadwell/providers/adapter';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Booking, BookingQueue, HeadStart, WantedCall } from './booking-queue';
import type { Departure, Refusal, Reservation } from './reservation';

/**
 * A call that is no later than this leaves all the same, and is told to have been late (`sent`): it counts for as much longer. Booked
 * again, it would leave behind all that is booked ahead, half a second later, and what it could have used until then is lost.
 * Within what is owed at a provider, should this process stand still before it tells.
 */
const LATE_AT_MOST_MS = 30;

/** A reservation with a place in a queue's account, or a head start for one; see Reservation for what it promises. */
export class HeldReservation implements Reservation {
  readonly granted = true;
  private released = false;
  private booking: Booking | undefined;
  private isPlaced: boolean;
  private leftBy: Booking | undefined;
  private missed = 0;

  constructor(
    private readonly queue: BookingQueue,
    private readonly records: number,
    grant: Booking | HeadStart,
  ) {
    this.isPlaced = !('isHeadStart' in grant);
    this.booking = 'isHeadStart' in grant ? undefined : grant;
  }

  async depart(signal: AbortSignal): Promise<Departure | Refusal> {
    for (;;) {
      const booking = this.booking ?? (await this.queue.book(this.wanted, signal));
      this.booking = undefined;
      if (!booking.granted) return booking;
      // A call whose claim is written is given none.
      if ('isHeadStart' in booking) continue;
      if (!this.isPlaced) this.queue.headStarts.end();
      this.isPlaced = true;
      if (!(await this.leaveInTime(booking))) continue;
      this.leftBy = booking;
      this.missed = 0;
      return { granted: true, after: booking.after };
    }
  }

  sent(): void {
    if (this.leftBy) this.queue.noteSent(this.leftBy);
  }

  heard(headers: ProviderResponse['headers']): void {
    this.queue.hear(headers);
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    if (this.booking) this.queue.giveUp(this.booking, this.records);
    this.booking = undefined;
    if (this.isPlaced) this.queue.release();
    else this.queue.headStarts.end();
  }

  /** The claim was written long ago. */
  private get wanted(): WantedCall {
    const { records, isPlaced, missed } = this;
    return { records, placed: isPlaced, isReady: !isPlaced, missed, claimFollows: false };
  }

  private async leaveInTime(booking: Booking): Promise<boolean> {
    const { punctuality } = this.queue;
    const readyAtMs = performance.now();
    const preparedMs = readyAtMs - booking.grantedAtMs;
    // A timer may fire up to a millisecond early.
    for (let nowMs = readyAtMs; nowMs < booking.fromMs; nowMs = performance.now())
      await delay(booking.fromMs - nowMs);
    // Booked before the provider said no: whether it may leave is asked anew.
    if (this.queue.isOverruled(booking)) {
      this.queue.giveUp(booking, this.records);
      return false;
    }
    const leavesAtMs = performance.now();
    if (leavesAtMs > booking.untilMs + LATE_AT_MOST_MS) {
      this.queue.giveUp(booking, this.records);
      this.missed++;
      punctuality.lapsed(preparedMs, booking.leadMs, booking.slackMs);
      return false;
    }
    const lateMs = leavesAtMs - Math.max(booking.fromMs, readyAtMs);
    punctuality.departed(preparedMs, Math.min(lateMs, booking.slackMs));
    return true;
  }
}
