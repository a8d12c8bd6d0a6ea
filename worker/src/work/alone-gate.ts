/** Lets one at a time through, in order of arrival. */
export class AloneGate {
  private busy = false;
  private readonly waiting: (() => void)[] = [];

  /** True: it is the caller's turn until `leave()`. False: it was not within `timeoutMs`. */
  async enter(timeoutMs: number): Promise<boolean> {
    if (!this.busy) {
      this.busy = true;
      return true;
    }
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

  leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.busy = false;
  }
}
