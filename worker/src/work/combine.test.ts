import { combine } from './combine';

describe('combine', () => {
  it('does what is asked for meanwhile together, and gives each caller its own result', async () => {
    const groups: number[][] = [];
    const double = combine<number, number>({
      concurrency: 1,
      sizeAtMost: 3,
      run: async (items) => {
        groups.push(items);
        await new Promise((resolve) => setImmediate(resolve));
        return items.map((item) => item * 2);
      },
    });
    const results = await Promise.all([1, 2, 3, 4, 5].map(double));
    expect(results).toEqual([2, 4, 6, 8, 10]);
    expect(groups).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('fails nobody for another’s sake', async () => {
    const run = combine<number, string>({
      concurrency: 2,
      sizeAtMost: 10,
      run: (items) =>
        items.includes(3)
          ? Promise.reject(new Error('three'))
          : Promise.resolve(items.map((item) => `${item}`)),
    });
    const results = await Promise.allSettled([1, 2, 3, 4].map(run));
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });
});
