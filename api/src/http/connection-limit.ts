import type { Server } from 'node:http';
import type { Logger } from 'pino';

const WARN_EVERY_MS = 60_000;

/** Closes what comes beyond `maxConnections` open connections at once, without reading it, and says so in the log once a minute. */
export function limitConnections(server: Server, maxConnections: number, logger: Logger): void {
  let warnedAtMs = -Infinity;
  server.maxConnections = maxConnections;
  server.on('drop', () => {
    if (performance.now() - warnedAtMs < WARN_EVERY_MS) return;
    warnedAtMs = performance.now();
    logger.warn({ maxConnections }, 'connections are closed unread: MAX_CONNECTIONS are open');
  });
}
