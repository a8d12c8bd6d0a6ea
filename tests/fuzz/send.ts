/** Sends generated calls as bytes: a client library would correct or refuse half of them. */
import { request, type Agent } from 'node:http';
import { connect } from 'node:net';
import type { FuzzCall } from './calls';

export interface FuzzAnswer {
  /** 0: the connection was closed without an answer. */
  status: number;
  text: string;
  durationMs: number;
}

const LIMIT_MS = 20_000;

/** The answer; rejects where none came in 20 s. */
export async function sendCall(url: URL, agent: Agent, key: string, call: FuzzCall): Promise<FuzzAnswer> {
  const startedAt = performance.now();
  const [status, text] = await (call.raw === undefined
    ? sendShaped(url, agent, key, call)
    : sendRaw(url, call.raw));
  return { status, text, durationMs: performance.now() - startedAt };
}

function sendShaped(url: URL, agent: Agent, key: string, call: FuzzCall): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const { method, path, body } = call;
    const headers = { authorization: `Bearer ${key}`, ...call.headers };
    const sent = request({ host: url.hostname, port: url.port, agent, method, path, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      // Cut on purpose where its client still sends what nobody reads.
      answer.once('close', () => resolve([answer.statusCode ?? 0, text]));
    });
    sent.setTimeout(LIMIT_MS, () => {
      reject(new Error(`no answer in ${LIMIT_MS} ms`));
      sent.destroy();
    });
    sent.once('error', () => resolve([0, '']));
    sent.end(body);
  });
}

function sendRaw(url: URL, bytes: string): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    let text = '';
    const done = (): void => {
      socket.destroy();
      resolve([Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text]);
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer in ${LIMIT_MS} ms`));
    }, LIMIT_MS);
    socket
      .once('close', () => clearTimeout(timer))
      .once('close', done)
      .on('error', () => undefined);
    // An answer to what stays open is as good as one that closes.
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      if (text.includes('\r\n\r\n')) done();
    });
    // Half of a call, and then no more.
    socket.end(Buffer.from(bytes, 'latin1'));
  });
}
