import { ClockBounds } from './clock-bounds';
import { limitWindowsOf } from './limit-windows';
import { Punctuality } from './punctuality';

describe('the bounds on the database’s clock', () => {
  it('hold whatever the round trips took, and narrow', () => {
    const clock = new ClockBounds();
    // The difference is 1,000,000 ms; the database read its clock at 5, 101 and 201.
    clock.observe(0, 1_000_005, 50);
    clock.observe(100, 1_000_101, 140);
    clock.observe(170, 1_000_201, 202);
    expect(clock.surelyAfter(1_000_300)).toBe(301);
    expect(clock.surelyBefore(1_000_300)).toBe(299);
  });

  it('start anew when a clock was set, and are stale after five seconds', () => {
    const clock = new ClockBounds();
    expect(clock.isStale(0)).toBe(true);
    clock.observe(0, 1_000_000, 1);
    clock.observe(10, 2_000_010, 11);
    expect(clock.surelyAfter(2_000_100)).toBe(101);
    expect(clock.isStale(5_000)).toBe(false);
    expect(clock.isStale(5_100)).toBe(true);
  });
});

describe('punctuality', () => {
  it('learns how long callers prepare, and forgets', () => {
    const punctuality = new Punctuality(1000);
    punctuality.departed(200, 1);
    expect(punctuality.leadMs).toBe(300);
    for (let i = 0; i < 1000; i++) punctuality.departed(1, 1);
    expect(punctuality.leadMs).toBe(40);
  });

  it('allows more slack after lapses, once for those that lapse together, up to 7.5 % of the window', () => {
    const punctuality = new Punctuality(1000);
    expect(punctuality.slackMs).toBe(6);
    for (let i = 0; i < 10; i++) punctuality.lapsed(1, 40, 6);
    expect(punctuality.slackMs).toBeCloseTo(9);
    for (let i = 0; i < 20; i++) punctuality.lapsed(1, punctuality.leadMs, punctuality.slackMs);
    expect(punctuality.slackMs).toBeCloseTo(75);
    expect(punctuality.leadMs).toBe(40);
  });

  it('books further ahead after a caller that was not ready, a second at most', () => {
    const punctuality = new Punctuality(1000);
    punctuality.lapsed(100, 40, 6);
    expect([punctuality.leadMs, punctuality.slackMs]).toEqual([150, 6]);
    punctuality.lapsed(900, 150, 6);
    expect(punctuality.leadMs).toBe(1000);
  });
});

it('limits become windows: shortest first, the strictest of equal ones, rounded down', () => {
  const limits = [
    { amount: 500, perSeconds: 60, unit: 'calls' as const },
    { amount: 7.5, perSeconds: 1, unit: 'calls' as const },
    { amount: 9, perSeconds: 1, unit: 'calls' as const },
  ];
  expect(limitWindowsOf({ limits, adapter: {} as never })).toEqual([
    { amount: 7, windowMs: 1000, unit: 'calls' },
    { amount: 500, windowMs: 60_000, unit: 'calls' },
  ]);
});
