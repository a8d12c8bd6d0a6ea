/**
 * Connections on which PostgreSQL falls silent without closing them: a firewall that forgot them, a server that stands still.
 * The server's statement_timeout cannot end what it does not hear of, and TCP alone tells after minutes or never.
 */
import type { Knex } from 'knex';

/** What is used of a connection of `pg`; knex calls it in this form only. */
export interface WatchedConnection {
  query(config: unknown, callback: (error: unknown, result: unknown) => void): unknown;
  /** Closes the socket at once where a statement is under way, which fails then as one whose connection is lost. */
  end(callback: () => void): void;
}

/** How much longer than its statement_timeout the answer of a living server may take on its way. */
export const SILENCE_GRACE_MS = 5_000;

/** By connection: the statement_timeout of its transaction, where that is not the pool's. */
const allowedTimeouts = new WeakMap<object, number>();

/**
 * Gives up a connection when a statement, COMMIT and ROLLBACK included, has no answer for its statement_timeout and the grace: it
 * fails as unavailable, and the pool makes a new connection. 0: never.
 */
export function watchForSilence(connection: WatchedConnection, statementTimeoutMs: number): void {
  const ask = connection.query.bind(connection);
  connection.query = (config, callback) => {
    const timeoutMs = allowedTimeouts.get(connection) ?? statementTimeoutMs;
    if (timeoutMs === 0) return ask(config, callback);
    const timer = setTimeout(() => connection.end(() => undefined), timeoutMs + SILENCE_GRACE_MS);
    return ask(config, (error, result) => {
      clearTimeout(timer);
      callback(error, result);
    });
  };
}

/**
 * Lets the statements of this transaction run for so long instead of the pool's time; 0: as long as they take. Of several
 * allowances the longest counts, in whatever order they come: who needs less takes nothing from who needs more. It ends with
 * the transaction.
 */
export async function allowStatementTime(trx: Knex.Transaction, timeoutMs: number): Promise<void> {
  const client = trx.client as { acquireConnection(): Promise<object> };
  const connection = await client.acquireConnection();
  const allowedMs = allowedTimeouts.get(connection);
  if (allowedMs !== undefined && limitOf(allowedMs) >= limitOf(timeoutMs)) return;
  allowedTimeouts.set(connection, timeoutMs);
  if (allowedMs === undefined) {
    const reset = (): void => void allowedTimeouts.delete(connection);
    trx.executionPromise.then(reset, reset);
  }
  await trx.raw(`SET LOCAL statement_timeout = ${Math.round(timeoutMs)}`);
}

function limitOf(timeoutMs: number): number {
  return timeoutMs === 0 ? Infinity : timeoutMs;
}
