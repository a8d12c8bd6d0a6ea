import { KIND_OF_FIELD, VERDICTS, type Field } from '@leadwell/shared/domain/enrichment';
import type { AskedQuestion } from './adapter';
import { askAll, EXCHANGES, type AnyResult } from './testing/exchanges';

/** Numbers from 0 to below 1 that are the same at every run (mulberry32). */
function dice(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Names that an adapter may stumble over, besides those of its own answers. */
const TRAPS = 'data email error errors error_code message phone __proto__ constructor toString length'.split(
  ' ',
);
const LEAVES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  97,
  '',
  'x',
  'q0',
  'q1',
  'ann@acme.example',
  'a***@acme.example',
  '+491713920012',
  '+4477*****',
  '\u0000',
  '\ud800',
  'VERIFIED',
  'valid',
  'NO_MATCH',
  'RATE_LIMITED',
  'DE',
  '__proto__',
  'ä'.repeat(10_000),
];

/** JSON text, parsed: that is how `__proto__` becomes an own property. */
function hostileJson(roll: () => number, depth: number, names: readonly string[]): unknown {
  return JSON.parse(hostileText(roll, depth, names)) as unknown;
}

function hostileText(roll: () => number, depth: number, names: readonly string[]): string {
  const kind = roll();
  if (depth === 0 || kind < 0.3) return JSON.stringify(LEAVES[Math.floor(roll() * LEAVES.length)]);
  const size = Math.floor(roll() * 6);
  if (kind < 0.5)
    return `[${Array.from({ length: size }, () => hostileText(roll, depth - 1, names)).join()}]`;
  const members = Array.from({ length: size }, () => {
    const name = names[Math.floor(roll() * names.length)];
    return `${JSON.stringify(name)}:${hostileText(roll, depth - 1, names)}`;
  });
  return `{${members.join()}}`;
}

function expectClean(result: AnyResult, asked: readonly AskedQuestion[], field: Field): void {
  if (result.kind === 'pending') return;
  if (result.kind === 'submitted') {
    for (const id of result.externalIds.values()) expect(id).toMatch(/^[\w-]{1,200}(\/[\w-]{1,200})?$/);
  } else if (result.kind !== 'answers') return expect(result.reason.length).toBeLessThan(80);
  for (const [id, answer] of result.answers) {
    expect(asked.map((question) => question.id)).toContain(id);
    if (answer.outcome !== 'hit') continue;
    expect(answer.candidates.length).toBeGreaterThan(0);
    for (const candidate of answer.candidates) {
      expect(candidate.kind).toBe(KIND_OF_FIELD[field]);
      expect(candidate.value).toMatch(field === 'emails' ? /^[a-z0-9.@-]+$/ : /^\+\d{5,15}$/);
      expect(VERDICTS).toContain(candidate.verdict);
      expect(candidate.confidence ?? 0.5).toBeLessThanOrEqual(1);
    }
    expect(answer.costCredits ?? 0).toBeLessThanOrEqual(1_000_000);
  }
}

/** A proper answer with one place changed gets further into a reader than noise does. */
function mutate(value: unknown, roll: () => number, names: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || roll() < 0.1) return hostileJson(roll, 2, names);
  if (Array.isArray(value))
    return value.map((item: unknown) => (roll() < 0.5 ? mutate(item, roll, names) : item));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      roll() < 0.3 ? mutate(part, roll, names) : (part as unknown),
    ]),
  );
}

function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const names = Array.isArray(value) ? [] : Object.keys(value);
  return [...names, ...Object.values(value).flatMap(namesIn)];
}

/** Whether it got as far as it is meant to: a hit, or a submission taken. */
function isProper(result: AnyResult): boolean {
  if (result.kind === 'submitted') return result.externalIds.has('q0');
  return result.kind === 'answers' && [...result.answers.values()].some(({ outcome }) => outcome === 'hit');
}

describe.each(EXCHANGES)('$name', ({ contract, field, proper, build, read }) => {
  const names = [...TRAPS, ...namesIn(proper)];
  const asked = askAll(contract);
  const statuses = [200, 200, 200, 200, 400, 401, 404, 429, 451, 500];

  it('never throws on a hostile body, and lets nothing unclean into a candidate', () => {
    const roll = dice(20_261_123);
    let hits = 0;
    for (let i = 0; i < 1000; i++) {
      const json = i % 2 ? hostileJson(roll, 5, names) : mutate(proper, roll, names);
      const status = statuses[Math.floor(roll() * statuses.length)] ?? 200;
      const headers = { 'retry-after': String(LEAVES[Math.floor(roll() * LEAVES.length)]).slice(0, 50) };
      const result = read({ status, json, headers }, asked);
      expectClean(result, asked, field);
      if (isProper(result)) hits++;
    }
    // Otherwise the checks above have seen nothing.
    expect(hits).toBeGreaterThan(10);
    expect(Object.hasOwn(Object.prototype, 'email')).toBe(false);
  });

  it('reads its recorded answer', () => {
    expect(isProper(read({ status: 200, json: proper, headers: {} }, asked))).toBe(true);
  });

  it('puts the key nowhere but into a header', () => {
    for (const one of asked) {
      const { headers, ...rest } = build(one, 'the-secret-key');
      expect(Object.values(headers).join()).toContain('the-secret-key');
      expect(JSON.stringify(rest)).not.toContain('secret');
    }
  });

  it('can ask by every form it names', () => {
    for (const one of asked) expect(build(one, 'k').path).toMatch(/^\//);
  });
});
