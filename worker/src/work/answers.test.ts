import type { CallResult } from '@leadwell/providers/adapter';
import type { LookupAnswer } from '@leadwell/shared/repositories/asks';
import { shareStated } from './answers';

function answered(costCredits: number | null): LookupAnswer {
  const rest = { lookupId: 'x', ask: 1, candidates: null, error: null, freshSeconds: 1, durationMs: 1 };
  return { ...rest, state: 'miss', costCredits, statedCredits: null };
}

const shares = (costs: (number | null)[], result: CallResult): (number | null)[] =>
  shareStated(costs.map(answered), result).map(({ statedCredits }) => statedCredits);
const said = (statedCredits: number | null): CallResult => ({
  kind: 'answers',
  answers: new Map(),
  statedCredits,
});

describe('what a provider says a call cost', () => {
  it.each([
    ['as the answers cost by its prices', [10, 0, 1], 22, [20, 0, 2]],
    ['evenly where its prices say nothing', [0, null], 3, [1.5, 1.5]],
    ['as nothing where it says nothing was charged', [1, 1], 0, [0, 0]],
  ])('is shared %s', (_, costs, total, expected) => {
    expect(shares(costs, said(total))).toEqual(expected);
  });

  it('is unknown where it says nothing', () => {
    expect(shares([1, 0], said(null))).toEqual([null, null]);
    expect(shares([1], { kind: 'auth', reason: 'no' })).toEqual([null]);
  });
});
