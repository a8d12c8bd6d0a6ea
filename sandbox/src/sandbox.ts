/**
 * The providers' HTTP APIs, simulated: each under its name, `/hunter/v2/email-finder`. Keys, bodies, error bodies and
 * limits are theirs; people, addresses and numbers are invented and belong to nobody.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveControl } from './control';
import type { Fault } from './faults';
import { receive } from './receive';
import { sendReply } from './send';
import { serveProvider } from './serve-provider';
import { type Latency, type SandboxOptions, type SandboxStats, World } from './world';

export type { SandboxOptions, SandboxStats } from './world';

export interface Sandbox {
  readonly server: Server;
  /** Listens on loopback only; 0 takes any free port. Resolves with the port. */
  listen(port: number): Promise<number>;
  /** Cuts what is still open. */
  close(): Promise<void>;
  /** From now on, until `clearFaults`. Several stand in line: the first that hits a call is played. */
  addFault(fault: Fault): void;
  clearFaults(): void;
  setLatency(latency: Latency): void;
  stats(): SandboxStats;
  /** Forgets every account: limits, credits and counts begin anew. */
  reset(): void;
}

/** A sandbox that is not listening yet. Keys that begin `sandbox-` are good, each an account of its own. */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const world = new World(options);
  const server = createServer((request, response) => {
    serve(world, request, response).catch((error: unknown) => {
      sendReply(response, { status: 500, body: { error: `The sandbox itself broke: ${String(error)}` } });
    });
  });
  server.keepAliveTimeout = 60_000;
  return {
    server,
    listen: (port) => listen(server, port),
    close: () => close(server),
    addFault: (fault) => world.faults.add(fault),
    clearFaults: () => world.faults.clear(),
    setLatency: (latency) => void (world.latency = latency),
    stats: () => world.stats(),
    reset: () => world.reset(),
  };
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = await receive(request);
  if (!call) return void response.destroy();
  if (call.path.startsWith('/_control/')) return sendReply(response, serveControl(world, call));
  const [, name = '', path = '/'] = /^\/([a-z]+)(\/.*)$/.exec(call.path) ?? [];
  const contract = world.findContract(name);
  if (!contract)
    return sendReply(response, { status: 404, body: { error: 'There is no such provider here.' } });
  await serveProvider(world, contract, { ...call, path }, response);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
