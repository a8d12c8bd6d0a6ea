/** A TCP proxy on loopback between our processes and a server: the network's faults, without root and without waiting. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * `forward`: a good network. `silent`: nothing passes and nothing is closed, as behind a firewall that forgot the
 * connection. `away`: every connection is reset, and so is each new one.
 */
export type NetworkState = 'forward' | 'silent' | 'away';

export interface TcpProxy {
  readonly port: number;
  /**
   * From now on. What was silent once stays silent until one side closes it: the bytes in between are lost. Connections
   * made later follow the new state.
   */
  setState(state: NetworkState): void;
  /**
   * Cuts the next `count` connections whose client sends COMMIT, after the server has got it and before the client gets
   * the reply: committed, and nobody told.
   */
  cutCommitReplies(count: number): void;
  /** How many were cut so. */
  cutCount(): number;
  /** Adds this much to every reply. */
  setDelay(delayMs: number): void;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
  /** Nothing passes any more, whatever becomes of the network. */
  isLost: boolean;
  /** The reply to a COMMIT is awaited: it will be cut. */
  isCutting: boolean;
}

const COMMIT = /\bCOMMIT\b/i;

/** Listens on a free port and forwards to `targetPort`, where a server need not be listening yet. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let state: NetworkState = 'forward';
  let delayMs = 0;
  let commitsToCut = 0;
  let cut = 0;

  const end = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  };
  const toServer = (pair: Pair, bytes: Buffer): void => {
    if (pair.isLost) return;
    if (commitsToCut > 0 && COMMIT.test(bytes.toString('latin1'))) {
      commitsToCut--;
      pair.isCutting = true;
    }
    pair.server.write(bytes);
  };
  const toClient = (pair: Pair, bytes: Buffer): void => {
    if (pair.isLost) return;
    if (pair.isCutting) {
      cut++;
      end(pair);
    } else if (delayMs === 0) pair.client.write(bytes);
    else setTimeout(() => !pair.isLost && pair.client.write(bytes), delayMs);
  };
  const accept = (client: Socket): void => {
    if (state === 'away') return void client.resetAndDestroy();
    const server = connect(targetPort, '127.0.0.1');
    const pair = { client, server, isLost: state === 'silent', isCutting: false };
    pairs.add(pair);
    client.setNoDelay(true).on('data', (bytes) => toServer(pair, bytes));
    server.setNoDelay(true).on('data', (bytes) => toClient(pair, bytes));
    for (const socket of [client, server]) {
      // A side that is gone takes the other with it, but never across a silent network.
      socket.on('error', () => undefined).on('close', () => (!pair.isLost || socket === client) && end(pair));
    }
  };

  const listener = createServer(accept).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    setState(next) {
      state = next;
      if (next === 'silent') for (const pair of pairs) pair.isLost = true;
      if (next === 'away') for (const pair of [...pairs]) end(pair);
    },
    cutCommitReplies: (count) => void (commitsToCut = count),
    cutCount: () => cut,
    setDelay: (wanted) => void (delayMs = wanted),
    async close() {
      for (const pair of [...pairs]) end(pair);
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** The URL of a server, through a proxy on another port of loopback. */
export function through(proxy: TcpProxy, url: string): string {
  const proxied = new URL(url);
  proxied.port = String(proxy.port);
  return proxied.href;
}
