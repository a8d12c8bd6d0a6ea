import { gather } from './gather';

export interface CombineOptions<In, Out> {
  /** Groups under way at once. */
  concurrency: number;
  /** Items of a group at most. */
  sizeAtMost: number;
  /** See GatherOptions. */
  everyMs?: number;
  /** See GatherOptions. */
  mayGrow?: () => boolean;
  /** One result for each item, in their order. */
  run: (items: In[]) => Promise<Out[]>;
  /** Whether an error says nothing of the items, so that none is tried alone. Defaults to never. */
  failsAll?: (error: unknown) => boolean;
}

/**
 * A function that does its work for many callers at once: what is asked for while an earlier group is under way goes
 * together in the next. Each caller gets its own result. A group that fails is run again one by one, so that nobody
 * fails for another's sake.
 */
export function combine<In, Out>(options: CombineOptions<In, Out>): (item: In) => Promise<Out> {
  interface Waiting {
    item: In;
    resolve: (result: Out) => void;
    reject: (error: unknown) => void;
  }

  async function runGroup(group: Waiting[]): Promise<void> {
    try {
      const results = await options.run(group.map(({ item }) => item));
      group.forEach(({ resolve }, index) => resolve(results[index] as Out));
    } catch (error) {
      if (group.length === 1 || options.failsAll?.(error))
        return group.forEach(({ reject }) => reject(error));
      for (const one of group) await runGroup([one]);
    }
  }

  const gatherer = gather<Waiting>({ ...options, flush: runGroup });
  return (item) => new Promise((resolve, reject) => gatherer.add({ item, resolve, reject }));
}
