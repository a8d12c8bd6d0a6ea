/**
 * Decides what a row does next, from what is stored: a pure function, so that every rule of the waterfall can be tried
 * without a server.
 */
import { isWithin, type Budget } from '@leadwell/providers/budget';
import type { Ending } from '@leadwell/shared/domain/ending';
import { lookupKeyText, type Lookup } from '@leadwell/shared/repositories/lookups';
import type { Turn, WorkRow } from './work-row';

export type Plan =
  | { kind: 'settle'; ending: Ending }
  /** Ask this provider. */
  | { kind: 'ask'; turn: Turn }
  /** Another is asking the same question: look again in a second. */
  | { kind: 'wait'; lookupId: string }
  /** The provider has the question and answers later: poll in so many seconds. */
  | { kind: 'poll'; turn: Turn; lookupId: string; inSeconds: number };

/** What one row may take of its providers, all together. */
export interface RowBounds {
  timeoutMs: number;
  /** Null: it may cost what it costs. */
  budget: Budget | null;
}

/**
 * The next thing to do with a row within its bounds. A fresh hit of any of its providers ends it, the earliest first; misses count at
 * their provider's turn. Providers passed over are noted in `row.unwritten` and on their turn.
 */
export function planRow(row: WorkRow, lookups: ReadonlyMap<string, Lookup>, bounds: RowBounds): Plan {
  const { timeoutMs } = bounds;
  const [hit, ...others] = listHits(row, lookups);
  if (hit) return foundPlan(row, [hit, ...others]);
  const restricted = row.turns.find((turn) => turn.outcome === 'restricted');
  if (restricted) return restrictedPlan(row, restricted);
  for (const turn of row.turns) {
    if (hasEnded(turn)) continue;
    if (row.spentMs >= timeoutMs) return notFoundPlan(row, 'timeout', timeoutMessage(row, timeoutMs));
    const plan = planTurn(row, turn, lookups.get(lookupKeyText(turn.key)), bounds.budget);
    if (plan) return plan;
  }
  return exhaustedPlan(row);
}

/** Null: this turn is over, the next provider's comes. */
function planTurn(row: WorkRow, turn: Turn, lookup: Lookup | undefined, budget: Budget | null): Plan | null {
  if (turn.closedBecause !== null) {
    endTurn(row, turn, { lookupId: null, outcome: 'skipped', error: turn.closedBecause });
    return null;
  }
  // However long ago: what a provider has taken is not handed in again.
  if (lookup?.state === 'asked' && lookup.externalId !== null) {
    return { kind: 'poll', turn, lookupId: lookup.id, inSeconds: lookup.pollInSeconds };
  }
  const state = lookup?.fresh ? lookup.state : 'absent';
  if (lookup && state === 'asked') return { kind: 'wait', lookupId: lookup.id };
  if (lookup && state === 'restricted') {
    endTurn(row, turn, { lookupId: lookup.id, outcome: 'restricted', error: lookup.error });
    return restrictedPlan(row, turn);
  }
  if (lookup && state === 'miss' && counts(row, lookup)) {
    endTurn(row, turn, { lookupId: lookup.id, outcome: 'miss', error: null });
    return null;
  }
  if (state === 'failed') {
    endTurn(row, turn, {
      lookupId: null,
      outcome: 'skipped',
      error: lookup?.error ?? 'it failed a moment ago',
    });
    return null;
  }
  return planAsk(row, turn, budget);
}

/** Waiting, polling and stored answers cost this row nothing; what is asked anew must fit its budget whatever it is charged. */
function planAsk(row: WorkRow, turn: Turn, budget: Budget | null): Plan | null {
  const largest = budget?.largestCostOf(turn.provider) ?? 0;
  if (!budget || isWithin(budget, row.spentCost + largest)) return { kind: 'ask', turn };
  const error = `its largest charge, ${largest}, would take this lead over its budget of ${budget.amount}, of which ${row.spentCost} is spent`;
  endTurn(row, turn, { lookupId: null, outcome: 'skipped', error });
  return null;
}

/**
 * A hit that this row was given and that is no longer stored was taken by another's asking of the same, after RESULT_DAYS: its
 * turn is open again, or the row would be refused what was found for it.
 */
function hasEnded(turn: Turn): boolean {
  return turn.outcome !== null && turn.outcome !== 'hit';
}

/** A row that looks again for what was not found ignores the misses from before it was accepted. */
function counts(row: WorkRow, miss: Lookup): boolean {
  return !row.retryNotFound || (miss.answeredAt?.getTime() ?? 0) >= row.acceptedAtMs;
}

/** Ends a turn that nobody was asked in. */
export function endTurn(
  row: WorkRow,
  turn: Turn,
  end: { lookupId: string | null; outcome: 'miss' | 'restricted' | 'skipped'; error: string | null },
): void {
  turn.outcome = end.outcome;
  turn.error = end.error;
  row.unwritten.push({ provider: turn.provider, ...end });
}

/** The hits of a row's providers, the earliest answered first. */
function listHits(row: WorkRow, lookups: ReadonlyMap<string, Lookup>): Lookup[] {
  const hits = row.turns.flatMap((turn) => {
    const lookup = lookups.get(lookupKeyText(turn.key));
    // What this row was itself answered with counts however old it is: it was paid for, and not used yet.
    return lookup?.state === 'hit' && (lookup.fresh || turn.outcome === 'hit') ? [lookup] : [];
  });
  return hits.sort((a, b) => (a.answeredAt?.getTime() ?? 0) - (b.answeredAt?.getTime() ?? 0));
}

/** The first hit answers; what the others found agrees with it, or is kept beside it. A hit outdoes that its provider was passed over. */
function foundPlan(row: WorkRow, hits: readonly [Lookup, ...Lookup[]]): Plan {
  const used = hits.map(({ id, provider }) => ({
    ...{ provider, lookupId: id, error: null },
    outcome: 'hit' as const,
  }));
  const passed = row.unwritten.filter(({ provider }) => !hits.some((hit) => hit.provider === provider));
  const { enrichmentId } = row;
  return {
    kind: 'settle',
    ending: { enrichmentId, found: true, lookupId: hits[0].id, attempts: [...passed, ...used] },
  };
}

function notFoundPlan(row: WorkRow, status: 'finished' | 'failed' | 'timeout', error: string | null): Plan {
  const ending = { enrichmentId: row.enrichmentId, found: false as const, status, error, lookupId: null };
  return { kind: 'settle', ending: { ...ending, attempts: row.unwritten } };
}

/** A person who may not be asked about is asked of nobody else. */
export function restrictedPlan(row: WorkRow, turn: Turn): Plan {
  return notFoundPlan(
    row,
    'failed',
    `${turn.provider} may not give data about this person; no other provider was asked.`,
  );
}

/** Finished without data only if every provider that can take this lead said that it has nothing. */
function exhaustedPlan(row: WorkRow): Plan {
  if (row.turns.length === 0) {
    return notFoundPlan(
      row,
      'failed',
      'No provider can take this lead: it needs a name with a company or its domain, a LinkedIn URL or an e-mail address. Add one and ask again.',
    );
  }
  const closed = row.turns.filter((turn) => turn.outcome !== 'miss');
  if (closed.length === 0) return notFoundPlan(row, 'finished', null);
  const reasons = closed.map((turn) => `${turn.provider}: ${turn.error ?? 'not answered'}`).join('; ');
  return notFoundPlan(
    row,
    'failed',
    `Not every provider could be asked (${reasons}). It was refunded; ask again later.`,
  );
}

function timeoutMessage(row: WorkRow, timeoutMs: number): string {
  return `The providers took ${Math.round(row.spentMs / 1000)} s, more than the ${timeoutMs / 1000} s that one lead may take. It was refunded; ask again.`;
}
