/**
 * What every adapter owes, for each of its fields and each call that it makes: over the registry, so that a new adapter is held
 * to it unasked. Not said here: that noise never throws and the key stays in a header (hostile-bodies.test.ts), that faults,
 * lost items and restrictions are told apart over HTTP (tests/providers.test.ts), and what only one provider says (its own
 * test: its error codes, its do-not-call marks, its reset headers).
 */
import type { Candidate } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import { askAll, EXCHANGES, type AnyResult, type Exchange } from './testing/exchanges';

type Named = readonly [name: string, exchange: Exchange];
const all = EXCHANGES.map((exchange): Named => [exchange.name, exchange]);
/** Those whose answers hold values. */
const giving = all.filter(([, { kind }]) => kind !== 'submission');
const givingEmails = giving.filter(([, { field }]) => field === 'emails');
const givingPhones = giving.filter(([, { field }]) => field === 'phones');
const inBulk = all.filter(([, { contract }]) => contract.maxQuestionsPerCall > 1);

const BY_DOMAIN: Question = {
  form: 'name_domain',
  firstName: 'Ann',
  lastName: 'Doe',
  domain: 'acme.example',
};
/** What a provider may write into an error. */
const WRITTEN = 'No credits left for key-7, asked about Ann Doe';
const EMAIL = /^[^\s@]+@[^\s@]+\.[a-z]+$/;
const PHONE = /^[+0][\d ]{8,}$/;

function readOk({ contract, read }: Exchange, json: unknown, asked = askAll(contract)): AnyResult {
  return read({ status: 200, json, headers: {} }, asked);
}

/** The body with another leaf where `isMeant`, the rest as it was. */
function withLeaves(
  value: unknown,
  isMeant: (leaf: unknown) => boolean,
  leafOf: (old: unknown) => unknown,
): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withLeaves(item, isMeant, leafOf));
  if (typeof value !== 'object' || value === null) return isMeant(value) ? leafOf(value) : value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, withLeaves(part, isMeant, leafOf)]),
  );
}

/** The recorded answer with another value at every place where one is found. */
function withValue({ field, proper }: Exchange, value: unknown): unknown {
  const form = field === 'emails' ? EMAIL : PHONE;
  return withLeaves(
    proper,
    (leaf) => typeof leaf === 'string' && form.test(leaf),
    () => value,
  );
}

const isText = (leaf: unknown): boolean => typeof leaf === 'string';

function inReverse(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inReverse).reverse();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inReverse(part)]));
}

function hitsOf(result: AnyResult): Candidate[] {
  if (result.kind !== 'answers') return [];
  return [...result.answers.values()].flatMap((answer) =>
    answer.outcome === 'hit' ? answer.candidates : [],
  );
}

function reasonsOf(result: AnyResult): string[] {
  if ('reason' in result) return [result.reason];
  if (!('answers' in result)) return [];
  return [...result.answers.values()].flatMap((answer) => ('reason' in answer ? [answer.reason] : []));
}

describe('a 200', () => {
  it.each(all)('of %s says nothing by itself', (_, exchange) => {
    for (const json of [undefined, null, '', 'x', 7, true, [], {}, [[]], [null], [{}], { data: null }])
      expect([json, readOk(exchange, json).kind]).toEqual([json, 'transient']);
  });

  it.each(all)('of %s with other types is neither hit nor miss', (_, exchange) => {
    const swapped = (leaf: unknown): unknown => (typeof leaf === 'string' ? 7 : 'x');
    const json = withLeaves(exchange.proper, () => true, swapped);
    expect(readOk(exchange, json)).toMatchObject({ kind: 'transient' });
  });
});

describe('what is not shown', () => {
  const masked = {
    emails: ['a***@acme.example', '•••@acme.example', '****', 'email_not_unlocked@domain.com'],
    phones: ['+49171*****', '+49 171 39200XX', '+49 30 231 25--', '+49171…'],
  };

  it.each(giving)('is never a hit of %s', (_, exchange) => {
    expect(hitsOf(readOk(exchange, exchange.proper))).not.toEqual([]);
    for (const value of [...masked[exchange.field], '', true, false, null])
      expect([value, hitsOf(readOk(exchange, withValue(exchange, value)))]).toEqual([value, []]);
  });
});

describe('what is found', () => {
  it.each(givingEmails)('by %s at another host than was asked is flagged', (_, exchange) => {
    const asked = askAll(exchange.contract).map((one) => ({ ...one, question: BY_DOMAIN }));
    const flagsOf = (address: string) =>
      hitsOf(readOk(exchange, withValue(exchange, address), asked)).map(({ flags }) => flags);
    const elsewhere = flagsOf('ann@acme-group.example');
    expect(elsewhere.filter((flags) => flags.includes('other_domain'))).toEqual(elsewhere);
    expect(elsewhere).not.toEqual([]);
    expect(flagsOf('Ann@ACME.example').flat()).not.toContain('other_domain');
  });

  it.each(givingPhones)(
    'by %s is in E.164, however it is written, with the type of its line',
    (_, exchange) => {
      const numbersOf = (text: string) =>
        hitsOf(readOk(exchange, withValue(exchange, text))).map(({ value, lineType }) => [value, lineType]);
      expect(new Set(numbersOf('+49 (171) 392-0012').map(String))).toEqual(new Set(['+491713920012,mobile']));
      expect(new Set(numbersOf('+49 30 23125-012').map(String))).toEqual(
        new Set(['+493023125012,fixed_line']),
      );
      // No number of its country: nothing is guessed.
      expect(numbersOf('+49 171 39')).toEqual([]);
    },
  );
});

describe('a bulk answer', () => {
  it.each(inBulk)(
    'of %s is matched by our id in any order, or by position where the adapter says so',
    (_, exchange) => {
      const { contract, kind, proper } = exchange;
      const asked = askAll(contract);
      const sorted = readOk(exchange, proper, asked);
      expect(['answers', 'submitted']).toContain(sorted.kind);
      // What was submitted is polled by ids, also where the submission is answered by position.
      const isPositional = kind !== 'poll' && contract.isPositional === true;
      const reversed = isPositional ? [...asked].reverse() : asked;
      expect(readOk(exchange, inReverse(proper), reversed)).toEqual(sorted);
      if (isPositional) expect(readOk(exchange, inReverse(proper), asked)).not.toEqual(sorted);
    },
  );
});

describe('a refusal', () => {
  it.each(all)('of %s is told apart: key, credit, and what passes', (_, { contract, read }) => {
    const kindOf = (status: number) => read({ status, json: undefined, headers: {} }, askAll(contract)).kind;
    expect([kindOf(401), kindOf(402)]).toEqual(['auth', 'no_credit']);
    expect(new Set([302, 500, 502, 503, 504].map(kindOf))).toEqual(new Set(['transient']));
  });

  it.each(all)('of %s is obeyed as long as it can be believed', (_, { contract, read }) => {
    const date = 'Mon, 23 Nov 2026 10:00:00 GMT';
    const waits = [
      ['7', 7],
      ['Mon, 23 Nov 2026 10:00:45 GMT', 45],
      ['soon', null],
      ['315360000', 3600],
      ['Mon, 23 Nov 2036 10:00:00 GMT', 3600],
    ] as const;
    for (const [text, seconds] of waits) {
      const headers = { date, 'retry-after': text };
      // Hunter is too fast by 403, the others by 429.
      const refusals = [403, 429, 503].map((status) => read({ status, json: {}, headers }, askAll(contract)));
      expect(refusals.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['rate', 'transient']));
      const told = refusals.flatMap((one) => ('retryAfterSeconds' in one ? [one.retryAfterSeconds] : []));
      expect([text, [...new Set(told)]]).toEqual([text, [seconds]]);
    }
  });

  it.each(all)('of %s is told without what the provider wrote', (_, exchange) => {
    const { contract, read } = exchange;
    const error = {
      error: WRITTEN,
      error_code: WRITTEN,
      code: WRITTEN,
      message: WRITTEN,
      reason: WRITTEN,
      detail: WRITTEN,
    };
    const bodies = [
      WRITTEN,
      error,
      { ...error, error },
      { errors: [error] },
      withLeaves(exchange.proper, isText, () => WRITTEN),
    ];
    for (const status of [200, 302, 400, 401, 402, 403, 404, 410, 422, 423, 429, 451, 500]) {
      for (const json of bodies) {
        const result = read({ status, json, headers: { 'retry-after': WRITTEN } }, askAll(contract));
        expect(hitsOf(result)).toEqual([]);
        for (const reason of reasonsOf(result)) expect(reason).not.toMatch(/key-7|Ann/);
      }
    }
  });
});
