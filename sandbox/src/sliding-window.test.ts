import { SlidingWindow } from './sliding-window';

describe('SlidingWindow', () => {
  it('holds what came in the last length, the older end excluded', () => {
    const window = new SlidingWindow(1000);
    window.add(0, 3);
    window.add(400, 2);
    expect(window.sumAt(999)).toBe(5);
    expect(window.sumAt(1000)).toBe(2);
    expect(window.sumAt(1399)).toBe(2);
    expect(window.sumAt(1400)).toBe(0);
  });

  it('remembers its peak and tells when the oldest leaves', () => {
    const window = new SlidingWindow(1000);
    window.add(0, 3);
    window.add(700, 2);
    expect(window.msUntilOldestLeaves(900)).toBe(100);
    window.add(1500, 1);
    expect([window.sumAt(1500), window.peak]).toEqual([3, 5]);
    expect(window.sumAt(9000)).toBe(0);
    expect(window.msUntilOldestLeaves(9000)).toBe(0);
  });

  it('agrees with a plain count over many events', () => {
    const window = new SlidingWindow(50);
    const events: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      const now = i * 0.37;
      events.push(now);
      window.add(now, 1);
      if (i % 997 === 0) expect(window.sumAt(now)).toBe(events.filter((time) => time > now - 50).length);
    }
  });
});
