interface Sample {
  atMs: number;
  earliest: number;
  latest: number;
}

/** Samples older than this are dropped: clocks drift, by 0.5 ms a second at worst while they are being corrected. */
const MAX_AGE_MS = 5_000;

/**
 * What this process knows of PostgreSQL's clock: bounds, narrowed by every round trip, on the difference to its own monotonic
 * one. A time that the database gave can so be kept without a round trip, and is never missed on the wrong side.
 */
export class ClockBounds {
  private samples: Sample[] = [];

  /** The database read its clock as `databaseMs` at some moment from `sentMs` to `receivedMs` of ours. */
  observe(sentMs: number, databaseMs: number, receivedMs: number): void {
    const sample = { atMs: receivedMs, earliest: databaseMs - receivedMs, latest: databaseMs - sentMs };
    const recent = this.samples.filter((other) => other.atMs > receivedMs - MAX_AGE_MS).slice(-31);
    // Samples that contradict each other: one of the clocks was set.
    const agree = recent.every((other) => other.earliest <= sample.latest && sample.earliest <= other.latest);
    this.samples = agree ? [...recent, sample] : [sample];
  }

  /** Whether the last round trip is too long ago to bound anything. */
  isStale(nowMs: number): boolean {
    return !this.samples.some((sample) => sample.atMs > nowMs - MAX_AGE_MS);
  }

  /** Our time from which the database's is surely `databaseMs` or later. */
  surelyAfter(databaseMs: number): number {
    return databaseMs - Math.max(...this.samples.map((sample) => sample.earliest));
  }

  /** The latest that the database's time may be at this time of ours. */
  atMost(ourMs: number): number {
    return ourMs + Math.min(...this.samples.map((sample) => sample.latest));
  }

  /** Our time up to which the database's is surely `databaseMs` or earlier. */
  surelyBefore(databaseMs: number): number {
    return databaseMs - Math.min(...this.samples.map((sample) => sample.latest));
  }
}
