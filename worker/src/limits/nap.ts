/** A sleep that can be cut short. */
export class Nap {
  private wakeNow: (() => void) | undefined;

  /** Resolves after `ms`, or at `wake()`. One sleeper at a time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), ms);
      this.wakeNow = () => {
        clearTimeout(timer);
        this.wakeNow = undefined;
        resolve();
      };
    });
  }

  wake(): void {
    this.wakeNow?.();
  }
}
