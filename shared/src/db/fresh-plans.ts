/**
 * Plans of prepared statements that were made while a table was nearly empty, and are used on while it fills. PostgreSQL makes them anew
 * only when the table is analysed, up to a minute later by its defaults: until then a look for 50 answers may read every answer there is.
 */
import type { WatchedConnection } from './silence';

/** A connection plans anew after so many prepared statements, and then each time that it has run twice as many. */
const FIRST_AFTER = 32;

/**
 * Has the connection forget its plans before its 32nd prepared statement, its 64th, and so on: a table that is filled through it has no
 * more than about doubled since its plans were made, and what planning costs is spread over ever more statements.
 */
export function keepPlansFresh(connection: WatchedConnection): void {
  const ask = connection.query.bind(connection);
  let [prepared, nextAt] = [0, FIRST_AFTER];
  connection.query = (config, callback) => {
    if (isPrepared(config) && ++prepared === nextAt) {
      nextAt *= 2;
      // Sent before the statement on the same connection. Where it fails, so does the statement, or it runs by its old plan.
      ask('DISCARD PLANS', () => undefined);
    }
    return ask(config, callback);
  };
}

function isPrepared(config: unknown): boolean {
  return typeof config === 'object' && config !== null && 'name' in config && config.name !== undefined;
}
