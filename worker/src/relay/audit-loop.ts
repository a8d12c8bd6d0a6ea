import type { Knex } from '@leadwell/shared/db/database';
import { auditInTurn } from '@leadwell/shared/ledger/audit';
import type { Logger } from 'pino';

export interface AuditLoop {
  /** Gives up an audit under way; resolves when none is. */
  stop(): Promise<void>;
}

export interface AuditLoopOptions {
  knex: Knex;
  /** 0: never. */
  everyMs: number;
  logger: Logger;
  /** When the first one is due. Defaults to a random moment of the interval or of ten minutes, whichever is shorter. */
  firstAfterMs?: number;
}

/** How long one invariant may take, and keep its snapshot (docs/operations.md has the measurement). */
const LIMIT_MS = 60_000;
const FIRST_WITHIN_MS = 600_000;

/**
 * Audits money and accepted work every `everyMs`, and says in the log what it found: a violation as an error, with
 * the invariant's name and count, for somebody to look at. Corrects nothing, and fails nothing else when it cannot be done.
 */
export function startAuditLoop(options: AuditLoopOptions): AuditLoop {
  const { everyMs, logger } = options;
  if (everyMs === 0) return { stop: () => Promise.resolve() };
  const stopping = new AbortController();
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  const schedule = (delayMs: number): void => {
    timer = setTimeout(() => {
      running = run();
    }, delayMs);
  };
  schedule(options.firstAfterMs ?? Math.random() * Math.min(everyMs, FIRST_WITHIN_MS));

  async function run(): Promise<void> {
    try {
      await auditOnce(options, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted)
        logger.warn({ err: error }, 'the audit could not be finished; run `npm run cli -- audit`');
    }
    if (!stopping.signal.aborted) schedule(everyMs);
  }

  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

async function auditOnce({ knex, logger }: AuditLoopOptions, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const result = await auditInTurn(knex, LIMIT_MS, signal);
  if (result === null) return;
  const durationMs = Math.round(performance.now() - startedAt);
  if (result.ok) {
    logger.info({ durationMs }, 'audit: everything adds up');
    return;
  }
  for (const { name, violations } of result.invariants) {
    if (violations === 0) continue;
    logger.error(
      { invariant: name, violations, durationMs },
      'audit: AN INVARIANT IS VIOLATED. Correct nothing by hand; see docs/operations.md, "Credits do not add up"',
    );
  }
}
