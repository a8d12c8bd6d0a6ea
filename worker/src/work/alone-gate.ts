/** Lets one at a time through, in order of arrival. */
export class AloneGate {
  private busy = false;
  private readonly waiting: (() => void)[] = [];

  /** What lets the next one in, once, however often it is called; null where it was not the caller's turn within `timeoutMs`. */
  async enter(timeoutMs: number): Promise<(() => void) | null> {
    if (this.busy && !(await this.waitForTurn(timeoutMs))) return null;
    this.busy = true;
    let hasLeft = false;
    return () => {
      if (!hasLeft) this.letNextIn();
      hasLeft = true;
    };
  }

  private waitForTurn(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(enter), 1);
        resolve(false);
      }, timeoutMs);
      const enter = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      this.waiting.push(enter);
    });
  }

  /** It stays busy for the next one: nobody who comes meanwhile may pass. */
  private letNextIn(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.busy = false;
  }
}
