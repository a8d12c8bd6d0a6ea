import type { ServerResponse } from 'node:http';
import type { Reply } from './contract';

/** What no provider writes. */
const BIGINT_MARK = '\u0000bigint ';
const MARKED = /"\\u0000bigint (-?\d+)"/g;

/** A body as JSON; a bigint as the number it is, which `JSON.stringify` alone would refuse. */
export function writeJson(body: unknown): string {
  const text = JSON.stringify(body, (_, value: unknown) =>
    typeof value === 'bigint' ? `${BIGINT_MARK}${value}` : value,
  );
  return text.replace(MARKED, '$1');
}

/** Sends a reply as JSON. Does nothing where the client is gone. */
export function sendReply(response: ServerResponse, { status, body, headers }: Reply): void {
  if (response.destroyed || response.writableEnded) return;
  const text = writeJson(body);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...headers,
    })
    .end(text);
}
