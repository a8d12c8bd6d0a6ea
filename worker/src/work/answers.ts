import type { Answer, CallResult } from '@leadwell/providers/adapter';
import type { LookupAnswer } from '@leadwell/shared/repositories/asks';
import type { Ask } from './ask';

/** How long a failure keeps others from asking the same again, where the provider does not say. */
const FAILED_FRESH_SECONDS = 60;
const FAILED_FRESH_AT_MOST_SECONDS = 3_600;

export interface AnswerOptions {
  /** How long a hit, a miss or a restriction stays fresh. */
  resultSeconds: number;
  durationMs: number;
}

/** What is stored for each question of a call. A question that the answer leaves out has failed: it is no miss. */
export function answersOf(asks: readonly Ask[], result: CallResult, options: AnswerOptions): LookupAnswer[] {
  return asks.map((ask) => {
    const answer = result.kind === 'answers' ? result.answers.get(ask.lookupId) : undefined;
    return answer && answer.outcome !== 'failed'
      ? storedAnswer(ask, answer, options)
      : failedAnswer(ask, answer?.reason ?? reasonOf(result), retrySeconds(result), options.durationMs);
  });
}

/**
 * Shares what a provider says a call cost over its answers, as they cost by its prices, or evenly where those say nothing: the shares
 * add up to what it said. What a poll states is shared by its adapter: several workers may poll one job, each for its own questions.
 */
export function shareStated(answers: readonly LookupAnswer[], result: CallResult): LookupAnswer[] {
  const total = result.kind === 'answers' ? (result.statedCredits ?? null) : null;
  if (total === null) return [...answers];
  const priced = answers.reduce((sum, { costCredits }) => sum + (costCredits ?? 0), 0);
  return answers.map((answer) => {
    const share = priced > 0 ? (answer.costCredits ?? 0) / priced : 1 / answers.length;
    return { ...answer, statedCredits: total * share };
  });
}

function storedAnswer(
  ask: Ask,
  answer: Exclude<Answer, { outcome: 'failed' }>,
  options: AnswerOptions,
): LookupAnswer {
  return {
    lookupId: ask.lookupId,
    ask: ask.ask,
    state: answer.outcome,
    candidates: answer.outcome === 'hit' ? answer.candidates : null,
    error: answer.outcome === 'restricted' ? answer.reason : null,
    freshSeconds: options.resultSeconds,
    durationMs: Math.round(options.durationMs),
    costCredits: answer.outcome === 'restricted' ? null : answer.costCredits,
    statedCredits: answer.outcome === 'restricted' ? null : (answer.statedCredits ?? null),
  };
}

function failedAnswer(ask: Ask, reason: string, freshSeconds: number, durationMs: number): LookupAnswer {
  return {
    lookupId: ask.lookupId,
    ask: ask.ask,
    state: 'failed',
    candidates: null,
    error: reason,
    freshSeconds,
    durationMs: Math.round(durationMs),
    costCredits: null,
    statedCredits: null,
  };
}

function reasonOf(result: CallResult): string {
  return result.kind === 'answers' ? 'the answer left this question out' : result.reason;
}

function retrySeconds(result: CallResult): number {
  const asked = 'retryAfterSeconds' in result ? result.retryAfterSeconds : null;
  return Math.min(Math.max(asked ?? FAILED_FRESH_SECONDS, 1), FAILED_FRESH_AT_MOST_SECONDS);
}
