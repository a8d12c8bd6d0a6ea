import type { BookingReply } from '@leadwell/shared/repositories/provider-limits';

/** A call waits ready for about this long at most, if calls go on ending as they did: it could be called off meanwhile. */
const READY_FOR_MS = 250;
/** What the database said longer ago says nothing of now. */
const TOLD_FRESH_MS = 100;

/**
 * Which calls get ready while all places of a provider are taken, and whether a place that a call of this process leaves goes
 * to its next one without a word to the others. Otherwise a place stood empty for as long as it takes to book it and to write a claim: with
 * calls of 200 ms, a fifth of the time.
 */
export class HeadStarts {
  private freedAtMs: number[] = [];
  private begun = 0;
  private told = { atMs: -Infinity, keptPlaces: 0 };

  /** How many more calls may get ready: together as many as places were left lately. */
  room(nowMs: number): number {
    this.forget(nowMs);
    return Math.max(0, this.freedAtMs.length - this.begun);
  }

  begin(): void {
    this.begun++;
  }

  /** It has its place, or will not call. */
  end(): void {
    this.begun--;
  }

  freed(nowMs: number): void {
    this.forget(nowMs);
    this.freedAtMs.push(nowMs);
  }

  private forget(nowMs: number): void {
    const kept = this.freedAtMs.findIndex((atMs) => atMs > nowMs - READY_FOR_MS);
    this.freedAtMs.splice(0, kept < 0 ? this.freedAtMs.length : kept);
  }

  /** A booking has said how many places this process may keep: as it was when it was asked, however late its answer was read. */
  heard({ keptPlaces }: BookingReply, askedAtMs: number): void {
    this.told = { atMs: askedAtMs, keptPlaces };
  }

  /**
   * Whether a place that a call leaves may stay. What was told counts for a moment, and not beyond a breaker that this process opened: one
   * that stood still may have lost its places.
   */
  keeps(heldPlaces: number, { nowMs, openedAtMs }: { nowMs: number; openedAtMs: number }): boolean {
    const { atMs, keptPlaces } = this.told;
    return heldPlaces <= keptPlaces && atMs > nowMs - TOLD_FRESH_MS && atMs > openedAtMs;
  }
}
