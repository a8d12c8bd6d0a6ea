import { setTimeout as delay } from 'node:timers/promises';

/** What a command has to undo when it ends, well or not: last begun, first undone. */
export class TearDown {
  private readonly steps: { name: string; undo: () => Promise<unknown> }[] = [];
  private readonly failed: string[] = [];
  private running: Promise<void> | undefined;

  /** A step that is added while the command already ends is undone at once. */
  add(name: string, undo: () => Promise<unknown>): void {
    this.steps.push({ name, undo });
    if (this.running) this.running = this.running.then(() => this.undoAll());
  }

  /** Undoes everything, each step once. Gives what failed, a sentence each. */
  async run(): Promise<readonly string[]> {
    this.running ??= this.undoAll();
    await this.running;
    return this.failed;
  }

  private async undoAll(): Promise<void> {
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      const { name, undo } = step;
      await undo().catch((error: unknown) => this.failed.push(`${name}: ${String(error)}`));
    }
  }
}

/**
 * Runs a command to its end, to its failure (exit code 1, its message on standard error) or to the first SIGINT,
 * SIGTERM or SIGHUP (its terminal was closed; taken as SIGTERM), undoes what it began, and exits. A second signal, a second or more
 * later, exits at once.
 */
export async function runAndTearDown(
  work: (tearDown: TearDown) => Promise<void>,
  exitCodeOf: (signal: 'SIGINT' | 'SIGTERM') => number,
): Promise<never> {
  const tearDown = new TearDown();
  const ended = work(tearDown).then(
    () => 0,
    (error: unknown) => {
      report(error);
      return 1;
    },
  );
  let interrupted = false;
  const report = (error: unknown): void => {
    // What breaks because its ground is being taken away is no news.
    if (!interrupted) process.stderr.write(`${messageOf(error)}\n`);
  };
  const signalled = firstSignal().then((signal) => {
    interrupted = true;
    console.log(`\n${signal}: stopping …`);
    return exitCodeOf(signal);
  });
  const exitCode = await Promise.race([ended, signalled]);
  await tearDown.run();
  if (interrupted) await Promise.race([ended, delay(2_000)]);
  const failed = await tearDown.run();
  if (failed.length > 0) console.error(`Not everything was stopped: ${failed.join('; ')}`);
  process.exit(failed.length > 0 ? 1 : exitCode);
}

function firstSignal(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const handle = (signal: NodeJS.Signals): void => {
      firstAt ??= Date.now();
      resolve(signal as 'SIGINT' | 'SIGTERM');
      // The terminal, npm and the script each pass on one Ctrl-C: only a later one is a second.
      if (Date.now() - firstAt > 1_000) process.exit(1);
    };
    process
      .on('SIGINT', handle)
      .on('SIGTERM', handle)
      .on('SIGHUP', () => handle('SIGTERM'));
  });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A stack only for what nobody foresaw.
  return error instanceof TypeError && error.message !== 'fetch failed' ? (error.stack ?? '') : error.message;
}
