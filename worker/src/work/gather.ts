/**
 * Natural batching: what is offered while an earlier group is under way is done together in the next. A single item
 * goes at once; under load the groups grow, and a round trip serves many.
 */
export interface Gatherer<Item> {
  add(item: Item): void;
}

export interface GatherOptions<Item> {
  /** Groups under way at once. */
  concurrency: number;
  /** Items of a group at most. */
  sizeAtMost: number;
  /** A group begins so long after the one before it at least, unless it is full. Defaults to 0. */
  everyMs?: number;
  /** Whether a group that waits for its time may still grow; one that may not begins at once. Defaults to always. */
  mayGrow?: () => boolean;
  /** Must not reject: it owns what becomes of its items. */
  flush: (items: Item[]) => Promise<void>;
}

export function gather<Item>(options: GatherOptions<Item>): Gatherer<Item> {
  const waiting: Item[] = [];
  const { everyMs = 0, mayGrow = () => true } = options;
  let underWay = 0;
  let scheduled = false;
  let beganMs = -Infinity;
  let timer: NodeJS.Timeout | undefined;

  function start(): void {
    scheduled = false;
    while (waiting.length > 0 && underWay < options.concurrency) {
      const waitMs = beganMs + everyMs - performance.now();
      if (waitMs > 0 && waiting.length < options.sizeAtMost && mayGrow()) return startLater(waitMs);
      clearTimeout(timer);
      timer = undefined;
      beganMs = performance.now();
      const items = waiting.splice(0, options.sizeAtMost);
      underWay++;
      void options.flush(items).finally(() => {
        underWay--;
        schedule();
      });
    }
  }

  /** What fills the group meanwhile does not wait: it is looked at with every item. */
  function startLater(waitMs: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      schedule();
    }, waitMs);
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    // After the callbacks of this turn of the event loop, so that rows that become ready together go together.
    setImmediate(start);
  }

  return {
    add(item) {
      waiting.push(item);
      schedule();
    },
  };
}
