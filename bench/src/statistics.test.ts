import { median, percentile, ratioOf, slopeOf } from './statistics';

describe('statistics', () => {
  it('takes the middle, between two where there is none', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([0, 10], 99)).toBeCloseTo(9.9);
  });

  it('refuses to make a number of nothing', () => {
    expect(() => median([])).toThrow('Nothing was measured');
  });

  it('compares medians, and tells the spread of the rounds', () => {
    expect(ratioOf([10, 20, 30], [10, 10, 10])).toEqual({
      value: 2,
      measured: 20,
      reference: 10,
      low: 1,
      high: 3,
    });
  });

  it('finds no slope in what stays level, and the slope of what grows', () => {
    const level = [5, 5, 5].map((y, x) => ({ x, y }));
    expect(slopeOf(level)).toBe(0);
    expect(slopeOf([1, 3, 5].map((y, x) => ({ x, y })))).toBe(2);
    expect(slopeOf([{ x: 1, y: 1 }])).toBe(0);
  });
});
