import { performance } from 'node:perf_hooks';

const SAMPLE_MS = 10_000;
const FAILURES_AT_LEAST = 5;
const FAILING_SHARE = 0.5;
/** More would not change the verdict. */
const CALLS_AT_MOST = 500;

/** The last ten seconds of calls to one provider, and whether they say that it is down. */
export class FailureSample {
  private calls: { atMs: number; failed: boolean }[] = [];

  constructor(private readonly now: () => number = () => performance.now()) {}

  record(failed: boolean): void {
    const atMs = this.now();
    this.calls = [...this.calls.filter((call) => call.atMs > atMs - SAMPLE_MS), { atMs, failed }].slice(
      -CALLS_AT_MOST,
    );
  }

  /** At least five failures, and at least half of the calls. */
  get isDown(): boolean {
    const since = this.now() - SAMPLE_MS;
    const calls = this.calls.filter((call) => call.atMs > since);
    const failures = calls.filter((call) => call.failed).length;
    return failures >= FAILURES_AT_LEAST && failures >= calls.length * FAILING_SHARE;
  }

  /** Forgets: the breaker has taken over. */
  clear(): void {
    this.calls = [];
  }
}
