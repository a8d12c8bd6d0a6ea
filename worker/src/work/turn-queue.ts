/** Waiting items of several owners, taken in turns: an owner with a thousand delays one with ten by one item at a time. */
export class TurnQueue<Item> {
  private readonly lanes = new Map<string, Item[]>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(owner: string, item: Item): void {
    const lane = this.lanes.get(owner);
    if (lane) lane.push(item);
    else this.lanes.set(owner, [item]);
    this.count++;
  }

  /** Up to `atMost` items that `wanted` accepts, owners in turn; the others are dropped on the way. */
  take(atMost: number, wanted: (item: Item) => boolean): Item[] {
    const taken: Item[] = [];
    while (taken.length < atMost && this.count > 0) {
      const item = this.takeNext();
      if (item !== undefined && wanted(item)) taken.push(item);
    }
    return taken;
  }

  /** The next owner's first item; that owner goes to the end of the line. */
  private takeNext(): Item | undefined {
    const [owner, lane] = this.lanes.entries().next().value as [string, Item[]];
    const item = lane.shift();
    this.count--;
    this.lanes.delete(owner);
    if (lane.length > 0) this.lanes.set(owner, lane);
    return item;
  }
}
