/** A proxy between a process and a server that counts what passes, and changes nothing. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { StatementReader } from './statement-reader';

/** One connection of a process, as far as it has come. */
export interface CountedConnection {
  /** Of PostgreSQL; empty for others. */
  applicationName: string;
  /** How often the client spoke after the server had: what is sent together, or pipelined, counts once. */
  roundTrips: number;
  /** In their order; nothing for servers other than PostgreSQL. */
  statements: string[];
}

export interface CountingProxy {
  /** The server's URL, through the proxy. */
  url: string;
  connections: readonly CountedConnection[];
  /** Counts anew, on the connections that are there. */
  reset(): void;
  close(): Promise<void>;
}

/** Listens on a free port of loopback. */
export async function startCountingProxy(serverUrl: string): Promise<CountingProxy> {
  const target = new URL(serverUrl);
  const connections: CountedConnection[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    connections.push(count(client, server, target.protocol.startsWith('postgres')));
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket) && other.destroy());
    }
    client.pipe(server);
    server.pipe(client);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = new URL(serverUrl);
  [url.hostname, url.port] = ['127.0.0.1', String((listener.address() as AddressInfo).port)];
  return {
    url: url.href,
    connections,
    reset() {
      for (const connection of connections) Object.assign(connection, { roundTrips: 0, statements: [] });
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

function count(client: Socket, server: Socket, isPostgres: boolean): CountedConnection {
  const connection: CountedConnection = { applicationName: '', roundTrips: 0, statements: [] };
  const reader = new StatementReader((text) => connection.statements.push(text));
  let isAnswered = true;
  client.on('data', (bytes: Buffer) => {
    if (isAnswered) connection.roundTrips++;
    isAnswered = false;
    if (!isPostgres) return;
    reader.read(bytes);
    connection.applicationName = reader.applicationName;
  });
  server.on('data', () => (isAnswered = true));
  return connection;
}
