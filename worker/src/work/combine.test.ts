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

  it('lets all fail together where the error says nothing of any of them', async () => {
    const sizes: number[] = [];
    const run = combine<number, number>({
      concurrency: 1,
      sizeAtMost: 10,
      failsAll: (error) => (error as Error).message === 'away',
      run: (items) => {
        sizes.push(items.length);
        return Promise.reject(new Error('away'));
      },
    });
    const results = await Promise.allSettled([1, 2, 3].map(run));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(sizes).toEqual([3]);
  });

  it('spaces its groups where it is told to: one at once, the rest together or when they fill a group', async () => {
    const groups: number[] = [];
    const run = combine<number, number>({
      concurrency: 5,
      sizeAtMost: 4,
      everyMs: 60_000,
      run: (items) => {
        groups.push(items.length);
        return Promise.resolve(items);
      },
    });
    await run(1);
    const waiting = [2, 3, 4].map(run);
    await new Promise((resolve) => setImmediate(resolve));
    expect(groups).toEqual([1]);
    await Promise.all([...waiting, run(5)]);
    expect(groups).toEqual([1, 4]);
  });

  it('waits for nothing where nothing can join the group', async () => {
    const groups: number[] = [];
    let mayGrow = true;
    const run = combine<number, number>({
      concurrency: 5,
      sizeAtMost: 4,
      everyMs: 3_600_000,
      mayGrow: () => mayGrow,
      run: (items) => {
        groups.push(items.length);
        return Promise.resolve(items);
      },
    });
    await run(1);
    const waiting = run(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(groups).toEqual([1]);
    mayGrow = false;
    await Promise.all([waiting, run(3)]);
    await run(4);
    expect(groups).toEqual([1, 2, 1]);
  });
});
