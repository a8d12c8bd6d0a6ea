/** Lets so many in at once; the others wait in order. */
export class Turnstile {
  private readonly waiting: (() => void)[] = [];
  private inside = 0;

  constructor(private readonly atOnce: number) {}

  /** Gives what leaves again, to be called once. Rejects with the signal's reason where it aborts first: then nobody entered. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.inside < this.atOnce) this.inside++;
    else await this.waitInLine(signal);
    return () => this.leave();
  }

  private waitInLine(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.waiting.splice(this.waiting.indexOf(admit), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.waiting.push(admit);
    });
  }

  /** The place goes straight to the next in line. */
  private leave(): void {
    const admit = this.waiting.shift();
    if (admit) admit();
    else this.inside--;
  }
}
