/** How rows end, who may not be enriched, and what is known already: the rules that settle, sweep, cancel and accept share. */
import type { Field } from '@leadwell/shared/domain/enrichment';
import type { Ending, Model, Row } from './state';
import { knownBy, turnsOf } from './world';

export function isSuppressed(model: Model, org: number, lead: number): boolean {
  return knownBy(lead).some(
    (one) => model.suppressed.includes(`* ${one}`) || model.suppressed.includes(`${org} ${one}`),
  );
}

/** The lookups that answer a lead at once, the earliest first. */
export function storedHits(model: Model, lead: number, field: Field): string[] {
  return turnsOf(lead, field)
    .map(({ lookup }) => lookup)
    .filter((lookup) => model.lookups[lookup]?.state === 'hit' && model.lookups[lookup].isFresh)
    .sort((a, b) => model.lookups[a]!.answeredAt - model.lookups[b]!.answeredAt);
}

/** Ends those of the rows that are pending, once, and refunds them unless something was found. Gives those whose hit is gone. */
export function endRows(model: Model, endings: readonly (readonly [string, Ending])[]): string[] {
  const withoutHit: string[] = [];
  for (const [name, wanted] of endings) {
    const row = model.rows[name]!;
    const ending = refused(model, row, wanted);
    if (ending.found && model.lookups[ending.lookup!]?.state !== 'hit') withoutHit.push(name);
    else if (row.status === 'pending') endRow(model, row, ending);
  }
  return withoutHit;
}

function refused(model: Model, row: Row, ending: Ending): Ending {
  if (ending.status === 'cancelled' || !isSuppressed(model, row.org, row.lead)) return ending;
  return { ...ending, status: 'failed', found: false, isSuppressed: true, lookup: null };
}

function endRow(model: Model, row: Row, ending: Ending): void {
  row.status = ending.status;
  row.found = ending.found;
  row.isSuppressed = ending.isSuppressed;
  row.answeredBy = ending.lookup;
  if (!ending.found && row.price > 0) {
    row.isRefunded = true;
    model.accounts[row.org]!.balance += row.price;
    model.accounts[row.org]!.refunded += row.price;
  }
  writeEnded(row, ending.attempts);
}

/** An attempt that has ended stays as it is. */
export function writeEnded(row: Row, attempts: Ending['attempts']): void {
  for (const { provider, lookup, outcome } of attempts) {
    const known = row.attempts[provider];
    if (!known || known.outcome === null) row.attempts[provider] = { outcome, lookup, ask: known?.ask ?? 0 };
  }
}
