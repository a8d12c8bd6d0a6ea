import { Account } from './account';

it('lets in a call that comes up to 50 ms too early for a window, counts it, and no other', () => {
  const account = new Account('hunter', 'key', [{ unit: 'calls', amount: 2, perSeconds: 1 }], 0);
  const enter = (nowMs: number): number => account.enter('/', 1, nowMs);
  expect([enter(0), enter(100)]).toEqual([0, 0]);
  expect(enter(949)).toBe(1);
  expect([enter(950), enter(1_100)]).toEqual([0, 0]);
  expect(account.stats()).toMatchObject({ records: 4, tolerated: 1, refusals: { rate: 1 } });
  // Whatever was let in, a window that is shorter by 50 ms never held more than the limit.
  expect(account.stats().windows).toMatchObject([{ peakGranted: 2, peakArrived: 4 }]);
});
