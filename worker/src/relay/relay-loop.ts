import type { Logger } from 'pino';
import type { Relay } from '@leadwell/shared/relay/relay';

export interface RelayLoop {
  /** Resolves when no step is under way. */
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;

export interface RelayLoopOptions {
  relay: Relay;
  /** Deletes what is out of date, and makes what will be needed; about once an hour, between two steps. */
  tidy: () => Promise<unknown>;
  checkSeconds: number;
  logger: Logger;
  /** Called after each step, whatever came of it. */
  onTurn?: () => void;
  /** Defaults to an hour. */
  tidyEveryMs?: number;
}

/**
 * Publishes for everybody every `checkSeconds`, whatever fails: this is what brings back all that a crash, an outage or
 * a lost job left behind. Steps of one process never overlap; those of several processes may.
 */
export function startRelayLoop(options: RelayLoopOptions): RelayLoop {
  const { relay, tidy, checkSeconds, logger } = options;
  const tidyEveryMs = options.tidyEveryMs ?? HOUR_MS;
  let stopped = false;
  let tidyAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let step = run();

  async function run(): Promise<void> {
    try {
      await relay.publish();
    } catch (error) {
      logger.error({ err: error }, 'the relay could not look for due batches; trying again');
    }
    await tidyIfDue();
    options.onTurn?.();
    if (!stopped) {
      timer = setTimeout(() => {
        step = run();
      }, checkSeconds * 1000);
    }
  }

  /** The first time at the start: processes that never live an hour tidy too. */
  async function tidyIfDue(): Promise<void> {
    if (stopped || performance.now() < tidyAtMs) return;
    tidyAtMs = performance.now() + tidyEveryMs;
    try {
      await tidy();
    } catch (error) {
      logger.warn({ err: error }, 'tables could not be tidied; trying again in an hour');
    }
  }

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await step;
    },
  };
}
