import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '@leadwell/shared/domain/errors';
import { newId } from '@leadwell/shared/domain/ids';
import type { Express } from 'express';
import { envelopeOf } from './error-answers';

/**
 * An HTTP server that no slow or silent client can hold: headers within 10 s, a socket on which nothing moves for 60 s is
 * closed, and the app limits how long a body may take (see limitBodyTime).
 */
export function createApiServer(app: Express): Server {
  const server = createServer(
    {
      headersTimeout: 10_000,
      // Node has one limit for every call; an import takes longer. limitBodyTime holds the others to 30 s.
      requestTimeout: 0,
      // Above the 60 s that load balancers keep idle connections: the side that sends must be the one that closes.
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16_384,
      // Node would refuse such a call without our envelope; composeApi refuses it with it.
      requireHostHeader: false,
    },
    app,
  );
  server.maxRequestsPerSocket = 0;
  // Node drops the headers behind the 2,000th unsaid; maxHeaderSize bounds them all.
  server.maxHeadersCount = 0;
  server.setTimeout(60_000);
  trackSockets(server);
  // Node would answer 417 without our envelope; whoever expects what we do not know may be served as if it did not.
  server.on('checkExpectation', app);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseUnreadable(error, socket));
  return server;
}

const socketsOf = new WeakMap<Server, Set<Socket>>();

function trackSockets(server: Server): void {
  const sockets = new Set<Socket>();
  socketsOf.set(server, sockets);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
}

/** Connections that never sent a byte, as pools and balancers open them ahead, are not idle to node, and would be waited for. */
function closeSilentSockets(server: Server): void {
  for (const socket of socketsOf.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy();
}

/** Calls that node cannot parse never reach the app; they are answered in the same envelope. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = isLate ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const requestId = newId();
  const message = isLate
    ? 'The call did not arrive whole in time.'
    : 'The call is not valid HTTP, or its headers are too large.';
  const body = JSON.stringify(envelopeOf(new AppError('VALIDATION_ERROR', message), requestId));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${requestId}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

/** Starts to listen; gives the port. Rejects where the address is taken or not ours. */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/**
 * Stops accepting, answers the calls under way, closes idle connections; after `limitMs` cuts what is left and
 * rejects, so that the exit code tells. Node's own `close` waits for keep-alive sockets that never end.
 */
export async function closeServer(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
  server.prependListener('request', (_req, res) => res.setHeader('Connection', 'close'));
  // A connection whose call just ended is idle only from then on.
  const idleTimer = setInterval(() => {
    server.closeIdleConnections();
    closeSilentSockets(server);
  }, 50);
  let cut = false;
  const limitTimer = setTimeout(() => {
    cut = true;
    server.closeAllConnections();
  }, limitMs);
  try {
    await closed;
  } finally {
    clearInterval(idleTimer);
    clearTimeout(limitTimer);
  }
  if (cut) throw new Error(`Calls were still under way after ${limitMs} ms; they were cut.`);
}
