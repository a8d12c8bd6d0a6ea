/** How much to believe a value that several providers gave. */
import { VERDICTS, type Verdict } from './enrichment';

/** What one provider said of a value. */
export interface Finding {
  provider: string;
  verdict: Verdict;
  /** 0 to 1; null where the provider says nothing. */
  confidence: number | null;
  /** ISO 8601. */
  foundAt: string;
}

/** What a second provider makes of a value whose own provider says nothing of its confidence. */
const UNSTATED_CONFIDENCE = 0.5;
const CONFIDENCE_AT_MOST = 0.99;

/** The finding that speaks for a value: the best verdict, then the highest confidence, then the earliest. */
export function bestFinding(findings: readonly [Finding, ...Finding[]]): Finding {
  return findings.reduce((best, other) => (isBetter(other, best) ? other : best));
}

function isBetter(a: Finding, b: Finding): boolean {
  const rank = VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict);
  const confidence = (a.confidence ?? -1) - (b.confidence ?? -1);
  return (rank || confidence || Date.parse(b.foundAt) - Date.parse(a.foundAt)) > 0;
}

/**
 * The confidence of a value, from the findings of different providers: the highest that any of them states, 0.5 where none does; each
 * provider beyond the first takes away half of what is missing to 1, up to 0.99. A single provider's word stands as it is. Never
 * below what a provider states. It does not look at the verdict: that stays the best one said.
 */
export function agreedConfidence(findings: readonly Finding[]): number | null {
  const stated = findings.flatMap(({ confidence }) => confidence ?? []);
  const highest = stated.length > 0 ? Math.max(...stated) : null;
  if (findings.length < 2) return highest;
  const base = highest ?? UNSTATED_CONFIDENCE;
  const raised = 1 - (1 - base) / 2 ** (findings.length - 1);
  return Math.max(base, Math.min(raised, CONFIDENCE_AT_MOST));
}

/** The findings of a value, one a provider, the earliest first: a provider's newer word replaces its older one. */
export function joinFindings(known: readonly Finding[], added: readonly Finding[]): Finding[] {
  const byProvider = new Map<string, Finding>();
  for (const finding of [...known, ...added]) byProvider.set(finding.provider, finding);
  return [...byProvider.values()].sort((a, b) => Date.parse(a.foundAt) - Date.parse(b.foundAt));
}
