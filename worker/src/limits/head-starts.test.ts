import { HeadStarts } from './head-starts';

/** What the database says, at 1,000 ms. */
function toldOf(keptPlaces: number): HeadStarts {
  const headStarts = new HeadStarts();
  headStarts.heard({ keptPlaces } as never, 1_000);
  return headStarts;
}

describe('head starts', () => {
  it('are given to as many calls as have ended lately', () => {
    const headStarts = new HeadStarts();
    expect(headStarts.room(1_000)).toBe(0);
    for (const atMs of [1_000, 1_100, 1_200]) headStarts.freed(atMs);
    headStarts.begin();
    expect(headStarts.room(1_200)).toBe(2);
    expect(headStarts.room(1_300)).toBe(1);
    headStarts.end();
    expect(headStarts.room(1_300)).toBe(2);
    expect(headStarts.room(2_000)).toBe(0);
  });

  it('keep a place that is within what may be kept, as long as that was just told', () => {
    const openedAtMs = -Infinity;
    expect(toldOf(50).keeps(50, { nowMs: 1_050, openedAtMs })).toBe(true);
    expect(toldOf(50).keeps(51, { nowMs: 1_050, openedAtMs })).toBe(false);
    expect(toldOf(50).keeps(50, { nowMs: 1_100, openedAtMs })).toBe(false);
    expect(new HeadStarts().keeps(1, { nowMs: 1_000, openedAtMs })).toBe(false);
  });

  it('keep none from before this process opened the breaker', () => {
    expect(toldOf(50).keeps(1, { nowMs: 1_050, openedAtMs: 1_020 })).toBe(false);
    expect(toldOf(50).keeps(1, { nowMs: 1_050, openedAtMs: 980 })).toBe(true);
  });
});
