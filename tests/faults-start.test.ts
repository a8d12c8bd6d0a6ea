/** A worker whose servers are away or silent at its start: it exits and says why, and is never a process that does nothing. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { deploy, type Deployment } from './support/deployment';

let deployment: Deployment;
let silent: Server;
let silentAddress: string;
const sockets = new Set<Socket>();

beforeAll(async () => {
  deployment = await deploy({ backend: { name: 'postgres', redisUrl: undefined }, startsApi: false });
  silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  silentAddress = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await deployment.stop();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

const GONE = '127.0.0.1:1';
const DATABASE = /The database cannot be reached/;
const QUEUE = /Redis does not answer: .* Then start this process again/;

// Beside each other: each waits for a bound of production, 15 s at most.
it.concurrent.each([
  ['PostgreSQL is gone', () => ({ DATABASE_URL: `postgres://nobody@${GONE}/none` }), DATABASE],
  ['PostgreSQL is silent', () => ({ DATABASE_URL: `postgres://nobody@${silentAddress}/none` }), DATABASE],
  ['Redis is gone', () => ({ REDIS_URL: `redis://${GONE}` }), QUEUE],
  ['Redis is silent', () => ({ REDIS_URL: `redis://${silentAddress}` }), QUEUE],
])('exits where %s, with a sentence that says what to do', async (_, environment, sentence) => {
  const starting = deployment.startWorker(environment());
  await expect(starting).rejects.toThrow('worker ended at its start');
  await expect(starting).rejects.toThrow(sentence);
});
