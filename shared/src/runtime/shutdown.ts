import type { Logger } from './logger';

const SAME_SIGNAL_MS = 500;

/** Something to be ended, in order, before the process may go. */
export interface Closer {
  /** For a person: it is named when it does not end in time. */
  name: string;
  close(): Promise<unknown>;
}

export interface ShutdownOptions {
  /** How long all closers together may take. */
  timeoutMs: number;
  logger: Logger;
}

/** Ends the process as a first SIGTERM would, with this exit code. A second call changes nothing. */
export type Shutdown = (reason: string, exitCode?: number) => void;

/**
 * Installs the two-stage shutdown: the first SIGTERM or SIGINT runs the closers one after the other and exits 0; a
 * second signal, a closer that fails or the bound passing exits 1, and the log names what was left behind. An uncaught
 * exception or unhandled rejection is logged and exits 1 at once: what it left half-done is healed like any crash.
 */
export function onShutdown(closers: readonly Closer[], options: ShutdownOptions): Shutdown {
  const { logger, timeoutMs } = options;
  const left = closers.map((closer) => closer.name);
  let started = false;

  const exitHard = (why: string): never => {
    logger.error({ left }, `${why}; left behind: ${left.join(', ') || 'nothing'}`);
    process.exit(1);
  };
  const shutdown: Shutdown = (reason, exitCode = 0) => {
    if (started) return;
    started = true;
    logger.info({ closers: left.length }, `shutting down: ${reason}`);
    setTimeout(() => exitHard(`not closed within ${timeoutMs} ms`), timeoutMs);
    void closeAll(closers, left, logger).then((allClosed) => {
      if (!allClosed) exitHard('some parts failed to close');
      logger.info('stopped');
      process.exit(exitCode);
    });
  };
  let firstSignalAt = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!started) firstSignalAt = Date.now();
    // A terminal, npm and the script above us each pass on one Ctrl-C: what comes at once is the same signal.
    else if (Date.now() - firstSignalAt > SAME_SIGNAL_MS) exitHard(`second signal (${signal})`);
    shutdown(signal);
  };

  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  exitOnDefects(logger);
  return shutdown;
}

/** Takes each closed one off `left`. One that fails does not keep the next from closing. */
async function closeAll(closers: readonly Closer[], left: string[], logger: Logger): Promise<boolean> {
  for (const closer of closers) {
    try {
      await closer.close();
      left.splice(left.indexOf(closer.name), 1);
    } catch (error) {
      logger.error({ err: error }, `${closer.name} failed to close`);
    }
  }
  return left.length === 0;
}

/** Logs an uncaught exception or unhandled rejection and exits 1: nobody knows what state the process is in. */
export function exitOnDefects(logger: Logger): void {
  const die = (kind: string) => (error: unknown) => {
    logger.fatal({ err: error }, kind);
    process.exit(1);
  };
  process.on('uncaughtException', die('uncaught exception'));
  process.on('unhandledRejection', die('unhandled rejection'));
}
