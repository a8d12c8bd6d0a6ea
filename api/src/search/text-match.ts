import { markWord, termOf, type TermField, type WordField } from '@leadwell/shared/domain/search-terms';
import { foldRuns, foldWords } from '@leadwell/shared/domain/text-folding';
import type { TextMode } from './filters';

/**
 * What a lead must have to match one value: any of some terms, or the words of a tsquery. Null: the value holds nothing
 * that is searched for, and no lead matches it.
 */
export type Match = { terms: readonly string[] } | { words: string } | null;

/** A value of a list: the lead has it whole in one of the fields. */
export function matchTerm(fields: readonly TermField[], value: string): Match {
  const terms = fields.map((field) => termOf(field, value)).filter((term) => term !== null);
  return terms.length > 0 ? { terms } : null;
}

/** A text in its mode: SMART may find each word in another field, WORD and STRICT find the whole in one. */
export function matchText(fields: readonly WordField[], mode: TextMode, value: string): Match {
  switch (mode) {
    case 'STRICT':
      return matchTerm(fields, value);
    case 'WORD':
      return matchWords(fields, [foldWords(value)], '');
    case 'SMART':
      return matchWords(fields, foldRuns(value), ':*');
  }
}

/** Every phrase in one of the fields. `suffix` on its last word: ':*' for the beginning of a word. */
function matchWords(fields: readonly WordField[], phrases: readonly string[][], suffix: string): Match {
  const filled = phrases.filter((phrase) => phrase.length > 0);
  if (filled.length === 0) return null;
  // The longest first: what fewest leads have ends the test of a lead soonest.
  const rarestFirst = filled.sort((a, b) => b.join('').length - a.join('').length);
  const wanted = rarestFirst.map((phrase) =>
    joinQueries(
      fields.map((field) => phraseQuery(field, phrase, suffix)),
      '|',
    ),
  );
  return { words: joinQueries([...new Set(wanted)], '&') };
}

/** Folded words are letters and digits: nothing in them needs an escape. */
function phraseQuery(field: WordField, phrase: readonly string[], suffix: string): string {
  const words = phrase.map((word) => `'${markWord(field, word)}'`).join(' <-> ');
  return phrase.length > 1 ? `(${words}${suffix})` : `${words}${suffix}`;
}

/**
 * One tsquery of many. As a balanced tree: PostgreSQL walks it by recursion, and a chain of the 20,000 words that one
 * filter can hold would exceed its stack.
 */
export function joinQueries(queries: readonly string[], operator: '&' | '|'): string {
  if (queries.length <= 1) return queries[0] ?? '';
  const middle = Math.ceil(queries.length / 2);
  const left = joinQueries(queries.slice(0, middle), operator);
  return `(${left} ${operator} ${joinQueries(queries.slice(middle), operator)})`;
}
