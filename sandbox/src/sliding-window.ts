/** An exact sliding window: a log of every event of the last `lengthMs`, nothing rounded into buckets. */
export class SlidingWindow {
  readonly #lengthMs: number;
  readonly #times: number[] = [];
  readonly #amounts: number[] = [];
  /** The first event that is still inside. */
  #head = 0;
  #sum = 0;
  #peak = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** The most that any window held so far. */
  get peak(): number {
    return this.#peak;
  }

  /** What the window that ends now holds. Times must not go back between calls. */
  sumAt(nowMs: number): number {
    while (this.#head < this.#times.length && this.#times[this.#head]! <= nowMs - this.#lengthMs) {
      this.#sum -= this.#amounts[this.#head] ?? 0;
      this.#head++;
    }
    this.#forget();
    return this.#sum;
  }

  add(nowMs: number, amount: number): void {
    const sum = this.sumAt(nowMs) + amount;
    this.#times.push(nowMs);
    this.#amounts.push(amount);
    this.#sum = sum;
    this.#peak = Math.max(this.#peak, sum);
  }

  /** Until the oldest event inside leaves the window; 0 where it is empty. */
  msUntilOldestLeaves(nowMs: number): number {
    const oldest = this.#times[this.#head];
    return oldest === undefined ? 0 : Math.max(0, oldest + this.#lengthMs - nowMs);
  }

  /** Drops what has left, now and then: shifting at each event would cost more than it frees. */
  #forget(): void {
    if (this.#head < 4096 || this.#head * 2 < this.#times.length) return;
    this.#times.splice(0, this.#head);
    this.#amounts.splice(0, this.#head);
    this.#head = 0;
  }
}
