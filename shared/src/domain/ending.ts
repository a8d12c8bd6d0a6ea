/** How an attempt ended that no ask or answer wrote down: a stored answer that was met, or a provider passed over. */
export interface EndedAttempt {
  provider: string;
  /** Null: skipped without a lookup. */
  lookupId: string | null;
  outcome: 'hit' | 'miss' | 'restricted' | 'skipped';
  error: string | null;
}

/**
 * How one enrichment is to end. Found names the lookup that answered, and among its attempts every other hit to the same
 * question: what several providers found is worth more. Everything else is refunded.
 */
export type Ending = { enrichmentId: string; attempts: readonly EndedAttempt[] } & (
  | { found: true; lookupId: string }
  | {
      found: false;
      status: 'finished' | 'failed' | 'timeout' | 'cancelled';
      error: string | null;
      lookupId: string | null;
    }
);

/** The lookups whose values a found ending gives, the one that answered first; of any other ending none. */
export function hitIdsOf(ending: Ending): string[] {
  if (!ending.found) return [];
  const others = ending.attempts.flatMap(({ outcome, lookupId }) =>
    outcome === 'hit' && lookupId !== null ? [lookupId] : [],
  );
  return [...new Set([ending.lookupId, ...others])];
}
