/** One key at one provider: its limits, credits, and what it has asked so far. */
import type { Jobs, Limit, WindowUse } from './contract';
import { SlidingWindow } from './sliding-window';

/**
 * A call is seen here later than it was sent, by what the network and this machine take: one that comes so much too early for the window
 * may have left in time, and is let in. No window that is shorter by this ever holds more than the limit.
 */
const TOLERANCE_MS = 50;

interface LimitWindows {
  limit: Limit;
  /** What was let in: the gate. */
  granted: SlidingWindow;
  /** Likewise, over the whole window: what only the tolerance lets in is counted. */
  whole: SlidingWindow;
  /** Refused calls too: shows a client that leans on the refusals. */
  arrived: SlidingWindow;
}

export interface AccountStats {
  provider: string;
  key: string;
  calls: number;
  /** Questions in the calls that were let in. */
  records: number;
  /** What the provider itself refused, faults on demand not counted. */
  refusals: { rate: number; noCredit: number; malformed: number };
  /** Faults on demand that were played, by kind. */
  faults: Record<string, number>;
  /** Questions that got a proper answer, by how often. `repeated`: answers beyond the first of a question. */
  questions: { distinct: number; repeated: number; mostRepeated: { question: string; answers: number }[] };
  credits: { used: number; left: number };
  /** Calls that came up to 50 ms too early for a window, and were let in. */
  tolerated: number;
  /** The most that any sliding window held: of what was let in, less the tolerance; of what arrived, over the whole window. */
  windows: (Limit & { peakGranted: number; peakArrived: number })[];
  inFlight: number;
  peakInFlight: number;
}

export class Account {
  readonly provider: string;
  readonly key: string;
  creditsLeft: number;
  readonly jobs: Jobs = new Map();
  readonly #windows: readonly LimitWindows[];
  readonly #answersOf = new Map<string, number>();
  readonly #paid = new Set<string>();
  readonly #counts = { calls: 0, records: 0, tolerated: 0, creditsUsed: 0, inFlight: 0, peakInFlight: 0 };
  readonly #refusals = { rate: 0, noCredit: 0, malformed: 0 };
  readonly #faults: Record<string, number> = {};

  constructor(provider: string, key: string, limits: readonly Limit[], credits: number) {
    this.provider = provider;
    this.key = key;
    this.creditsLeft = credits;
    this.#windows = limits.map((limit) => ({
      limit,
      granted: new SlidingWindow(limit.perSeconds * 1000 - TOLERANCE_MS),
      whole: new SlidingWindow(limit.perSeconds * 1000),
      arrived: new SlidingWindow(limit.perSeconds * 1000),
    }));
  }

  /** 0 where the call is let in, and then it counts; otherwise the seconds after which trying again may help. */
  enter(path: string, records: number, nowMs: number): number {
    const windows = this.#windows.filter(({ limit }) => isCounted(limit, path));
    const amountOf = ({ unit }: Limit): number => (unit === 'calls' ? 1 : records);
    for (const { limit, arrived } of windows) arrived.add(nowMs, amountOf(limit));
    const full = windows.filter(
      ({ limit, granted }) => granted.sumAt(nowMs) + amountOf(limit) > limit.amount,
    );
    if (full.length > 0) {
      this.#refusals.rate++;
      return Math.max(1, ...full.map(({ granted }) => Math.ceil(granted.msUntilOldestLeaves(nowMs) / 1000)));
    }
    const isEarly = windows.some(({ limit, whole }) => whole.sumAt(nowMs) + amountOf(limit) > limit.amount);
    if (isEarly) this.#counts.tolerated++;
    for (const { limit, granted, whole } of windows)
      for (const window of [granted, whole]) window.add(nowMs, amountOf(limit));
    this.#counts.records += records;
    return 0;
  }

  begin(): void {
    const counts = this.#counts;
    counts.calls++;
    counts.inFlight++;
    counts.peakInFlight = Math.max(counts.peakInFlight, counts.inFlight);
  }

  end(): void {
    this.#counts.inFlight--;
  }

  get inFlight(): number {
    return this.#counts.inFlight;
  }

  countRefusal(kind: 'rate' | 'noCredit' | 'malformed'): void {
    this.#refusals[kind]++;
  }

  countFault(kind: string): void {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
  }

  /** Whether this account has paid for what the question finds. */
  hasPaid(question: string): boolean {
    return this.#paid.has(question);
  }

  /** Takes the price unless the account is short of it. */
  pay(prices: ReadonlyMap<string, number>): boolean {
    const due = [...prices].filter(([question, price]) => price > 0 && !this.#paid.has(question));
    const total = due.reduce((sum, [, price]) => sum + price, 0);
    if (total > this.creditsLeft) return false;
    this.creditsLeft -= total;
    this.#counts.creditsUsed += total;
    for (const [question] of due) this.#paid.add(question);
    return true;
  }

  countAnswer(question: string): void {
    this.#answersOf.set(question, (this.#answersOf.get(question) ?? 0) + 1);
  }

  /** Of the windows that count calls of this path. */
  windowUses(path: string, nowMs: number): WindowUse[] {
    const windows = this.#windows.filter(({ limit }) => isCounted(limit, path));
    return windows.map(({ limit, granted }) => ({
      limit,
      left: Math.max(0, limit.amount - granted.sumAt(nowMs)),
      resetSeconds: Math.ceil(granted.msUntilOldestLeaves(nowMs) / 1000),
    }));
  }

  stats(): AccountStats {
    const { calls, records, tolerated, creditsUsed, inFlight, peakInFlight } = this.#counts;
    return {
      provider: this.provider,
      key: this.key,
      calls,
      records,
      refusals: { ...this.#refusals },
      faults: { ...this.#faults },
      questions: this.#questionStats(),
      credits: { used: creditsUsed, left: this.creditsLeft },
      tolerated,
      windows: this.#windows.map(({ limit, granted, arrived }) => ({
        ...limit,
        peakGranted: granted.peak,
        peakArrived: arrived.peak,
      })),
      inFlight,
      peakInFlight,
    };
  }

  #questionStats(): AccountStats['questions'] {
    const repeated = [...this.#answersOf].filter(([, answers]) => answers > 1).sort((a, b) => b[1] - a[1]);
    return {
      distinct: this.#answersOf.size,
      repeated: repeated.reduce((sum, [, answers]) => sum + answers - 1, 0),
      mostRepeated: repeated.slice(0, 20).map(([question, answers]) => ({ question, answers })),
    };
  }
}

function isCounted(limit: Limit, path: string): boolean {
  if (limit.path === undefined || limit.path === path) return true;
  return limit.path.endsWith('/') && path.startsWith(limit.path);
}
