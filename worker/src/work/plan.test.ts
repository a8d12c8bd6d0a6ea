import { newId, SHARED_SCOPE } from '@leadwell/shared/domain/ids';
import { lookupKeyText, type Lookup, type LookupState } from '@leadwell/shared/repositories/lookups';
import { BatchRun } from './batch-run';
import { planRow } from './plan';
import type { Turn, WorkRow } from './work-row';

const ACCEPTED = Date.parse('2026-01-01T12:00:00Z');

function turnOf(provider: string, outcome: Turn['outcome'] = null, error: string | null = null): Turn {
  const question = { form: 'email', email: 'a@b.example' } as const;
  const key = { provider, baseUrl: 'http://x', inputHash: Buffer.alloc(32), scope: SHARED_SCOPE };
  return { provider, question, key, closedBecause: null, outcome, error };
}

function rowOf(turns: Turn[], change: Partial<WorkRow> = {}): WorkRow {
  const batch = {
    id: newId(),
    orgId: newId(),
    requestId: newId(),
    field: 'emails',
    fence: 1,
    alone: false,
  } as const;
  return {
    enrichmentId: newId(),
    field: 'emails',
    run: new BatchRun(batch),
    acceptedAtText: '',
    acceptedAtMs: ACCEPTED,
    retryNotFound: false,
    turns,
    unwritten: [],
    spentMs: 0,
    spentCost: 0,
    plannedAtMs: 0,
    ...change,
  };
}

function stored(turn: Turn, state: LookupState, change: Partial<Lookup> = {}): [string, Lookup] {
  const answeredAt = new Date(ACCEPTED - 1000);
  const lookup = {
    id: `${turn.provider}-${state}`,
    provider: turn.provider,
    state,
    ask: 1,
    fresh: true,
    answeredAt,
    error: null,
    externalId: null,
    pollInSeconds: 0,
  };
  return [lookupKeyText(turn.key), { ...lookup, ...change }];
}

const BUDGET = {
  amount: 10,
  costOf: (_: string, credits: number) => credits,
  largestCostOf: (provider: string) => (provider === 'dear' ? 5 : 4),
};

const plan = (row: WorkRow, ...lookups: [string, Lookup][]) =>
  planRow(row, new Map(lookups), { timeoutMs: 800_000, budget: null });

describe('the waterfall', () => {
  it('asks the first provider of a lead that nobody has been asked about', () => {
    const [first, second] = [turnOf('a'), turnOf('b')];
    expect(plan(rowOf([first, second]))).toEqual({ kind: 'ask', turn: first });
  });

  it('ends a row with the earliest fresh hit of any of its providers, before it asks', () => {
    const [a, b, c] = [turnOf('a'), turnOf('b'), turnOf('c')];
    const lookups = [
      stored(b, 'hit', { answeredAt: new Date(20) }),
      stored(c, 'hit', { answeredAt: new Date(10) }),
    ];
    expect(plan(rowOf([a, b, c]), ...lookups)).toMatchObject({
      kind: 'settle',
      ending: {
        found: true,
        lookupId: 'c-hit',
        attempts: [
          { provider: 'c', lookupId: 'c-hit', outcome: 'hit', error: null },
          { provider: 'b', lookupId: 'b-hit', outcome: 'hit', error: null },
        ],
      },
    });
  });

  it('counts a provider that was passed over and has answered since as a hit alone', () => {
    const [a, b] = [turnOf('a'), turnOf('b')];
    const row = rowOf([a, b]);
    plan(row, stored(a, 'failed'), stored(b, 'asked'));
    expect(row.unwritten).toMatchObject([{ provider: 'a', outcome: 'skipped' }]);
    expect(plan(row, stored(a, 'hit'))).toMatchObject({
      ending: { found: true, attempts: [{ provider: 'a', outcome: 'hit' }] },
    });
  });

  it('treats what expired as absent', () => {
    const a = turnOf('a');
    for (const state of ['hit', 'miss', 'restricted', 'failed', 'asked'] as const) {
      expect(plan(rowOf([a]), stored(a, state, { fresh: false }))).toEqual({ kind: 'ask', turn: a });
    }
  });

  it('waits at a provider that another is asking the same, and does not go on to the next', () => {
    const [a, b] = [turnOf('a'), turnOf('b')];
    expect(plan(rowOf([a, b]), stored(a, 'asked'))).toEqual({ kind: 'wait', lookupId: 'a-asked' });
  });

  it('polls what a provider has taken, however long ago, and never hands it in again', () => {
    const [a, b] = [turnOf('a'), turnOf('b')];
    const taken = { externalId: 'job', fresh: false };
    expect(plan(rowOf([a, b]), stored(a, 'asked', { ...taken, pollInSeconds: 7 }))).toEqual({
      kind: 'poll',
      turn: a,
      lookupId: 'a-asked',
      inSeconds: 7,
    });
    expect(plan(rowOf([a, b]), stored(a, 'failed', { ...taken, fresh: false }))).toMatchObject({
      kind: 'ask',
    });
  });

  it('goes on after a stored miss, and is finished without data only when every provider said miss', () => {
    const [a, b] = [turnOf('a'), turnOf('b')];
    const row = rowOf([a, b]);
    expect(plan(row, stored(a, 'miss'))).toEqual({ kind: 'ask', turn: b });
    expect(row.unwritten).toEqual([{ provider: 'a', lookupId: 'a-miss', outcome: 'miss', error: null }]);
    b.outcome = 'miss';
    expect(plan(row)).toMatchObject({
      kind: 'settle',
      ending: { found: false, status: 'finished', error: null },
    });
  });

  it('fails, naming the provider, where one was skipped', () => {
    const [a, b] = [turnOf('a', 'miss'), turnOf('b')];
    const settled = plan(rowOf([a, b]), stored(b, 'failed', { error: 'HTTP 500' }));
    expect(settled).toMatchObject({ kind: 'settle', ending: { found: false, status: 'failed' } });
    expect(JSON.stringify(settled)).toContain('b: HTTP 500');
  });

  it('fails a lead that no provider can take', () => {
    expect(plan(rowOf([]))).toMatchObject({ kind: 'settle', ending: { found: false, status: 'failed' } });
  });

  it('asks nobody else about a person that a provider may not speak of', () => {
    const [a, b] = [turnOf('a'), turnOf('b')];
    expect(plan(rowOf([a, b]), stored(a, 'restricted'))).toMatchObject({
      kind: 'settle',
      ending: { status: 'failed' },
    });
  });

  it('asks nobody else when the restriction is the answer to its own question', () => {
    expect(plan(rowOf([turnOf('a', 'restricted'), turnOf('b')]))).toMatchObject({
      kind: 'settle',
      ending: { found: false, status: 'failed' },
    });
  });

  it('ends with the hit it was itself answered with, however short that stays fresh for others', () => {
    const [a, b] = [turnOf('a', 'hit'), turnOf('b')];
    expect(plan(rowOf([a, b]), stored(a, 'hit', { fresh: false }))).toMatchObject({
      kind: 'settle',
      ending: { found: true, lookupId: 'a-hit' },
    });
  });

  it('waits for, or asks again, what it was answered with and another has taken over since', () => {
    const [a, b] = [turnOf('a', 'hit'), turnOf('b')];
    expect(plan(rowOf([a, b]), stored(a, 'asked'))).toEqual({ kind: 'wait', lookupId: 'a-asked' });
    expect(plan(rowOf([a, b]), stored(a, 'asked', { fresh: false }))).toEqual({ kind: 'ask', turn: a });
  });

  it('ignores misses from before its acceptance where it looks again, not hits and not later misses', () => {
    const again = { retryNotFound: true };
    const a = turnOf('a');
    expect(plan(rowOf([a], again), stored(a, 'miss'))).toEqual({ kind: 'ask', turn: a });
    expect(plan(rowOf([a], again), stored(a, 'hit'))).toMatchObject({
      kind: 'settle',
      ending: { found: true },
    });
    const later = stored(a, 'miss', { answeredAt: new Date(ACCEPTED + 1) });
    expect(plan(rowOf([a], again), later)).toMatchObject({ kind: 'settle', ending: { status: 'finished' } });
  });

  it('never returns to a provider where its attempt has ended', () => {
    const [a, b] = [turnOf('a', 'failed', 'HTTP 500'), turnOf('b')];
    expect(plan(rowOf([a, b]))).toEqual({ kind: 'ask', turn: b });
  });

  it('passes over whoever could take a lead over its budget, and goes on to who could not', () => {
    const [dear, cheap] = [turnOf('dear'), turnOf('cheap')];
    const row = rowOf([dear, cheap], { spentCost: 6 });
    expect(planRow(row, new Map(), { timeoutMs: 800_000, budget: BUDGET })).toEqual({
      kind: 'ask',
      turn: cheap,
    });
    cheap.outcome = 'miss';
    const end = planRow(row, new Map(), { timeoutMs: 800_000, budget: BUDGET });
    expect(end).toMatchObject({ kind: 'settle', ending: { found: false, status: 'failed' } });
    expect(JSON.stringify(end)).toContain(
      'dear: its largest charge, 5, would take this lead over its budget of 10, of which 6 is spent',
    );
  });

  it('lets a stored answer, and another’s question, serve a lead whose budget is spent', () => {
    const dear = turnOf('dear');
    const bounds = { timeoutMs: 800_000, budget: BUDGET };
    const spent = () => rowOf([dear], { spentCost: 10 });
    expect(planRow(spent(), new Map([stored(dear, 'asked')]), bounds)).toMatchObject({ kind: 'wait' });
    expect(planRow(spent(), new Map([stored(dear, 'hit')]), bounds)).toMatchObject({
      ending: { found: true },
    });
    const miss = planRow(spent(), new Map([stored(dear, 'miss')]), bounds);
    expect(miss).toMatchObject({ ending: { status: 'finished' } });
  });

  it('times out when the providers took longer than a lead may take', () => {
    const row = rowOf([turnOf('a', 'miss'), turnOf('b')], { spentMs: 800_000 });
    expect(plan(row)).toMatchObject({ kind: 'settle', ending: { found: false, status: 'timeout' } });
  });
});
