import express from 'express';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { limitBodyTime, liftBodyTimeLimit } from './body-time';

describe('limitBodyTime', () => {
  const app = express();
  app.use(limitBodyTime(100));
  app.get('/slow', (_req, res) => void setTimeout(() => res.json('late'), 300));
  app.post('/answered', (_req, res) => void res.json('early'));
  app.post('/lifted', (req, res) => {
    liftBodyTimeLimit(req, res);
    req.on('end', () => res.json('whole')).resume();
  });
  app.post('/body', express.text(), (_req, res) => void res.json('whole'));
  const server = app.listen(0, '127.0.0.1');
  beforeAll(async () => {
    if (!server.listening) await once(server, 'listening');
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  /** Sends a beginning, then the rest after 300 ms; gives what came back before the connection was closed. */
  async function sendSlowly(method: string, path: string, rest: string): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    const length = method === 'POST' ? 'Content-Type: text/plain\r\nContent-Length: 10\r\n' : '';
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${length}Connection: close\r\n\r\n`);
    setTimeout(() => socket.writable && socket.write(rest), 300);
    let received = '';
    socket.on('data', (data) => (received += data.toString()));
    await once(socket, 'close');
    return received;
  }

  it('refuses a call whose body does not arrive, and closes its connection', async () => {
    expect(await sendSlowly('POST', '/body', '')).toMatch(/^HTTP\/1\.1 408 .*VALIDATION_ERROR/s);
  });

  it('lets an answer take its time', async () => {
    expect(await sendSlowly('GET', '/slow', '')).toMatch(/^HTTP\/1\.1 200 .*late/s);
  });

  it('does not hold a call that limits itself', async () => {
    expect(await sendSlowly('POST', '/lifted', '0123456789')).toMatch(/^HTTP\/1\.1 200 .*whole/s);
  });

  it('closes the connection of a client that goes on sending after its answer', async () => {
    expect(await sendSlowly('POST', '/answered', '')).toMatch(/^HTTP\/1\.1 200 .*early/s);
  });
});
