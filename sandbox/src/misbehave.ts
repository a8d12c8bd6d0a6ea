/** How each fault looks on the wire. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { ProviderContract, Reply } from './contract';
import type { Fault, FaultKind } from './faults';
import { sendReply, writeJson } from './send';
import { maskValues, swapTypes, withoutEveryOther } from './spoil';

const DEFAULT_HUGE_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

const PAGE =
  '<!doctype html><html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>';

interface Scene {
  fault: Fault;
  contract: ProviderContract;
  response: ServerResponse;
  /** The proper reply, whose question then counts as answered and charged. */
  answer: () => Reply;
}

/** Plays a fault instead of the proper answer. Resolves when nothing more will be sent. */
export async function misbehave(scene: Scene): Promise<void> {
  const { fault, contract, response } = scene;
  const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
  const reply = ownReply(fault, contract);
  if (reply) return sendReply(response, { ...reply, headers: { ...reply.headers, ...headers } });
  const spoil = SPOILED[fault.kind];
  if (spoil) {
    const proper = scene.answer();
    return sendReply(response, { ...proper, body: spoil(proper.body) });
  }
  await BROKEN[fault.kind]?.(scene);
}

function ownReply({ kind, retryAfter }: Fault, contract: ProviderContract): Reply | null {
  if (kind === 'rate') return contract.tooFast(Number(retryAfter) || 1);
  if (kind === 'no_credit') return contract.noCredit();
  if (kind === 'auth') return contract.badKey();
  if (kind === '500') return contract.brokenInside();
  if (kind === 'redirect') return { status: 302, body: {}, headers: { location: '/_control/followed' } };
  return null;
}

const SPOILED: Readonly<Partial<Record<FaultKind, (body: unknown) => unknown>>> = {
  wrong_types: swapTypes,
  masked: maskValues,
  missing_items: withoutEveryOther,
};

type Play = (scene: Scene) => void | Promise<void>;

const BROKEN: Readonly<Partial<Record<FaultKind, Play>>> = {
  html: ({ response }) => sendText(response, 200, PAGE),
  bad_gateway: ({ response }) => sendText(response, 502, PAGE),
  empty: ({ response }) => void response.writeHead(200, { 'content-type': 'application/json' }).end(),
  hang: async ({ response }) => {
    if (!response.destroyed) await once(response, 'close');
  },
  drip: async ({ response, fault }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    for (response.write('{'); !response.destroyed; response.write(' '))
      await wait(fault.everyMs ?? 500, null, { ref: false });
  },
  reset: ({ response }) => void response.socket?.resetAndDestroy(),
  reset_after_answer: ({ response, answer }) => {
    answer();
    response.socket?.resetAndDestroy();
  },
  cut_json: ({ response, answer }) => {
    const text = writeJson(answer().body);
    response.writeHead(200, { 'content-type': 'application/json' }).end(text.slice(0, text.length / 2));
  },
  cut_body: ({ response, answer }) => {
    const text = writeJson(answer().body);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  },
  huge: ({ response, fault }) => sendHuge(response, fault.bytes ?? DEFAULT_HUGE_BYTES),
  gzip_bomb: ({ response }) => sendBomb(response),
};

function sendText(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html);
}

async function sendHuge(response: ServerResponse, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES, 'a');
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"data":{"email":"');
  for (let sent = 0; sent < bytes && !response.destroyed; sent += CHUNK_BYTES) await write(response, chunk);
  response.end('"}}');
}

/** 64 gzip members of 16 MiB of blanks: 1 GiB that travels as 1 MiB. */
async function sendBomb(response: ServerResponse): Promise<void> {
  const member = gzipSync(Buffer.alloc(16 * 1024 * 1024, ' '));
  response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
  for (let i = 0; i < 64 && !response.destroyed; i++) await write(response, member);
  response.end();
}

async function write(response: ServerResponse, chunk: Buffer): Promise<void> {
  if (response.write(chunk)) return;
  const left = new AbortController();
  await Promise.race([
    once(response, 'drain', { signal: left.signal }),
    once(response, 'close', { signal: left.signal }),
  ]).finally(() => left.abort());
}
