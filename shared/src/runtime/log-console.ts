import type { Logger } from './logger';

const LEVELS = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const;

/**
 * Sends what libraries print to the logger instead, each text once: BullMQ warns of a Redis that is old or evicts by
 * `console.warn`, at every connection, and a line that is no JSON breaks what reads the log. Its `skipVersionCheck` would silence
 * it, and with it takes every Redis for version 5, whose `getState` walks whole lists. Of what was printed only texts and errors are
 * logged: anything else may hold data. Gives what undoes it.
 */
export function logConsole(logger: Logger): () => void {
  const told = new Set<string>();
  const printed = { ...console };
  for (const [method, level] of Object.entries(LEVELS)) {
    const print = (...parts: unknown[]): void => {
      const error = parts.find((part) => part instanceof Error);
      const texts = parts.filter((part) => typeof part === 'string');
      const message = texts.join(' ').replace(/\s+/g, ' ').trim() || 'a library printed this';
      const key = `${level} ${message} ${error?.message ?? ''}`;
      if (told.has(key) || told.size >= TOLD_AT_MOST) return;
      told.add(key);
      logger[level]({ ...(error && { err: error }), printed: true }, message);
    };
    Object.assign(console, { [method]: print });
  }
  return () => void Object.assign(console, printed);
}

/** Whatever prints without end does not fill the log. */
const TOLD_AT_MOST = 1_000;
