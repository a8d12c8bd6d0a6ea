import type { ServerResponse } from 'node:http';
import type { Reply } from './contract';

/** Sends a reply as JSON. Does nothing where the client is gone. */
export function sendReply(response: ServerResponse, { status, body, headers }: Reply): void {
  if (response.destroyed || response.writableEnded) return;
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...headers,
    })
    .end(text);
}
