/** A stream whose beginning can be looked at before it is read. */
export class PeekedSource implements AsyncIterable<Buffer> {
  /** What was peeked at so far. */
  head: Buffer = Buffer.alloc(0);
  /** Whether the head is all there is. */
  isWhole = false;
  private readonly iterator: AsyncIterator<Buffer>;

  constructor(source: AsyncIterable<Buffer>) {
    this.iterator = source[Symbol.asyncIterator]();
  }

  /** Adds the next piece to the head. */
  async readMore(): Promise<void> {
    const next = await this.iterator.next();
    if (next.done) this.isWhole = true;
    else this.head = this.head.length === 0 ? next.value : Buffer.concat([this.head, next.value]);
  }

  /** The whole stream, once: the head, then the rest. Whoever stops early closes the source. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      if (this.head.length > 0) yield this.head;
      while (!this.isWhole) {
        const next = await this.iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await this.iterator.return?.();
    }
  }

  /** Closes a source that will not be read. */
  async close(): Promise<void> {
    await this.iterator.return?.();
  }
}
