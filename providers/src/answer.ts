import type { Candidate } from '@leadwell/shared/domain/enrichment';
import type { Answer } from './adapter';
import { readCost } from './reading';

/**
 * What a readable value answers. A value that its own provider calls invalid answers nothing: it would be charged, and
 * the next provider not asked. So does a masked one, and text that is no value.
 */
export function answerOf(candidate: Candidate | null, costCredits: number | null): Answer {
  const isHit = candidate !== null && candidate.verdict !== 'invalid';
  return isHit ? { outcome: 'hit', candidates: [candidate], costCredits } : { outcome: 'miss', costCredits };
}

/** Whether a value can be read at all: text, null for nothing, or a boolean where a plan hides the value. */
export function isReadable(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** What the readable values among several answer, the best first; see answerOf. */
export function answerOfAll(candidates: readonly (Candidate | null)[], costCredits: number | null): Answer {
  const hits = candidates.flatMap((candidate) =>
    candidate && candidate.verdict !== 'invalid' ? [candidate] : [],
  );
  return hits.length > 0
    ? { outcome: 'hit', candidates: hits, costCredits }
    : { outcome: 'miss', costCredits };
}

/** Where the bill names the call only: shared evenly over what was charged it adds up. Null where the bill cannot be read. */
export function shareOf(totalCost: unknown, charged: number): number | null {
  const total = readCost(totalCost);
  return total === null || charged === 0 ? null : total / charged;
}
