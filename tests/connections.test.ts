/** Clients that hold connections and send nothing, or next to nothing. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { limitConnections } from '@leadwell/api/http/connection-limit';
import { createLogger } from '@leadwell/shared/runtime/logger';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { seedTenant } from './support/seed';
import { startTestApi, type TestApi } from './support/test-api';

const BALANCE = '/api/v1/operations/credits/balance';

describe('connections', () => {
  let api: TestApi;
  let key: string;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    api = await startTestApi();
    key = (await seedTenant(api.knex)).apiKey;
  });
  afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));
  afterAll(() => api.close());

  async function open(): Promise<Socket> {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    return socket;
  }

  it('closes 500 that never finish their headers, and serves others meanwhile', async () => {
    // What it grants: here is nobody to wait for as long.
    expect([api.server.headersTimeout, api.server.timeout]).toEqual([10_000, 60_000]);
    api.server.headersTimeout = 3_000;
    const slow = await Promise.all(Array.from({ length: 500 }, open));
    for (const socket of slow) socket.write(`GET ${BALANCE} HTTP/1.1\r\nHost: x\r\n`);
    const dripping = setInterval(() => {
      for (const socket of slow) if (socket.writable) socket.write('X-A: 1\r\n');
    }, 500);
    try {
      for (let i = 0; i < 100; i++) expect((await api.call('GET', BALANCE, { key })).status).toBe(200);
      await waitUntil(() => slow.every((socket) => socket.closed), {
        message: 'the slow connections to be closed',
      });
    } finally {
      clearInterval(dripping);
    }
  });

  it('closes what comes beyond the limit unread, and serves those that it has', async () => {
    limitConnections(api.server, 20, createLogger({ level: 'silent', name: 'test' }));
    api.server.closeIdleConnections();
    const first = await Promise.all(Array.from({ length: 30 }, open));
    await waitUntil(() => first.filter((socket) => socket.closed).length >= 10);
    const one = first.find((socket) => !socket.closed)!;
    let answer = '';
    one.on('data', (text: Buffer) => (answer += text.toString()));
    one.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitUntil(() => answer.includes('"live"'));
    expect(first.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(20);
    api.server.maxConnections = 2_000;
  });
});
