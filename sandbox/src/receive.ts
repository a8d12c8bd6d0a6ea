import type { IncomingMessage } from 'node:http';
import type { Call } from './contract';

const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Reads a request to its end. Null where the body is over 4 MiB or the client left. */
export async function receive(request: IncomingMessage): Promise<Call | null> {
  const url = new URL(request.url ?? '/', 'http://sandbox.invalid');
  const text = await readText(request);
  if (text === null) return null;
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: parse(text),
  };
}

async function readText(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
