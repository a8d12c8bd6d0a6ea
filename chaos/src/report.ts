import type { SandboxStats } from '@leadwell/sandbox/sandbox';
import type { Journal } from './journal';
import type { ChaosOptions } from './options';
import { percentilesOf, type Percentiles, type Recoveries, type RecoveryKind } from './recovery';
import type { Verdict } from './verdict';

/** Below this many seconds, p95. */
const GATES: Record<RecoveryKind, number> = { worker: 15, redis: 30, postgres: 10 };
/**
 * Of fewer, a p95 is one unlucky sample: it is reported and not judged. Nor is that of workers where the next fault does not wait:
 * whoever takes the work over is then killed with it, again and again.
 */
const SAMPLES_JUDGED = 20;
const IDS_SHOWN = 20;

export interface Result {
  seed: string;
  backend: string;
  kills: number;
  requests: number;
  rows: number;
  stranded: number;
  chargedTwice: number;
  leakedCredits: number;
  falseSuccess: number;
  /** Answers that providers gave to a question they had answered before. */
  repeatedCalls: number;
  recoverySeconds: Record<RecoveryKind, Percentiles | null>;
  /** How many recoveries each was drawn from. */
  recoveries: Record<RecoveryKind, number>;
}

export interface Run {
  options: ChaosOptions;
  kills: number;
  verdict: Verdict;
  journal: Journal;
  recoveries: Recoveries;
  stats: SandboxStats;
}

export function resultOf(run: Run): Result {
  const { options, verdict, journal, recoveries, stats } = run;
  const { worker, redis, postgres } = recoveries.samplesMs;
  return {
    seed: options.seed,
    backend: options.backend,
    kills: run.kills,
    requests: journal.told.length,
    rows: new Set(journal.told.flatMap((told) => told.enrichmentIds)).size,
    stranded: verdict.stranded.length,
    chargedTwice: verdict.chargedTwice.length,
    leakedCredits: verdict.leakedCredits,
    falseSuccess: verdict.falseSuccess.length,
    repeatedCalls: stats.accounts.reduce((sum, account) => sum + account.questions.repeated, 0),
    recoverySeconds: {
      worker: percentilesOf(worker),
      redis: percentilesOf(redis),
      postgres: percentilesOf(postgres),
    },
    recoveries: { worker: worker.length, redis: redis.length, postgres: postgres.length },
  };
}

/** A sentence for each gate that does not hold, with the ids. */
export function brokenGates(result: Result, { options, verdict, journal, recoveries }: Run): string[] {
  const found = {
    stranded: verdict.stranded,
    'charged twice': verdict.chargedTwice,
    'false success': verdict.falseSuccess,
    'invariants violated': verdict.violations,
    'answers that no fault excuses': journal.unexpected,
  };
  const broken = Object.entries(found)
    .filter(([, ids]) => ids.length > 0)
    .map(([name, ids]) => `${ids.length} ${name}: ${ids.slice(0, IDS_SHOWN).join(', ')}`);
  if (result.leakedCredits !== 0) broken.push(`${result.leakedCredits} credits leaked`);
  for (const [kind, limit] of Object.entries(GATES) as [RecoveryKind, number][]) {
    const p95 = result.recoverySeconds[kind]?.p95 ?? 0;
    const isJudged =
      recoveries.samplesMs[kind].length >= SAMPLES_JUDGED && (options.calm || kind !== 'worker');
    if (isJudged && p95 >= limit)
      broken.push(`back at work after ${kind}: p95 ${p95} s, the gate is ${limit} s`);
  }
  return broken;
}
