/** A process that is started again whenever it ends, as systemd or compose would. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Process } from '@leadwell/harness/deployment';

const RESTART_MS = 500;

export class Supervised {
  private process: Process | undefined;
  private stopping = false;
  private paused = false;
  private readonly ended: Process[] = [];
  private readonly loop: Promise<void>;
  private markReady: () => void = () => undefined;
  /** Resolves when it has been ready once. */
  readonly firstReady = new Promise<void>((resolve) => (this.markReady = resolve));

  /** `onKilled` is called for each end by SIGKILL. */
  constructor(
    readonly name: string,
    private readonly start: () => Promise<Process>,
    private readonly onKilled: () => void,
  ) {
    this.loop = this.run();
  }

  /** Undefined while it is down or not ready. */
  get pid(): number | undefined {
    return this.process?.child.pid;
  }

  /** The lines of its log that contain the text, of every life it had. */
  listLines(text: string): string[] {
    const lives = this.process ? [...this.ended, this.process] : this.ended;
    return lives.flatMap((life) => life.output().split('\n')).filter((line) => line.includes(text));
  }

  async kill(): Promise<void> {
    this.paused = false;
    await this.process?.kill();
  }

  pause(): void {
    this.paused = this.process?.child.kill('SIGSTOP') ?? false;
  }

  resume(): void {
    if (this.paused) this.process?.child.kill('SIGCONT');
    this.paused = false;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.process?.kill();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        const { child } = (this.process = await this.start());
        this.markReady();
        // Stopped while it was being started: nobody else would end it.
        if (this.stopping) await this.process.kill();
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        this.ended.push(this.process);
        this.process = undefined;
        if (child.signalCode === 'SIGKILL' && !this.stopping) this.onKilled();
      } catch {
        // Its server was down: such a process exits, and its supervisor starts it again.
      }
      if (!this.stopping) await delay(RESTART_MS);
    }
  }
}
