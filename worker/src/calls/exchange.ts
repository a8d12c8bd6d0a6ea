import type { ProviderRequest, ProviderResponse } from '@leadwell/providers/adapter';
import { parseJson } from '@leadwell/providers/parse-json';
import { Agent, type Dispatcher } from 'undici';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Readable, Transform } from 'node:stream';

/** A response is not read beyond this, on the wire or unpacked. The largest honest one has some hundred kilobytes. */
export const BODY_BYTES_AT_MOST = 8 * 1024 * 1024;

/** What went wrong with an exchange, without key, URL, query, name or address. */
export class ExchangeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExchangeError';
  }
}

/** Kept-alive connections; redirects are answers like any other: following one would carry the key elsewhere. */
export function createConnections(): Agent {
  return new Agent({
    connections: 64,
    pipelining: 1,
    connectTimeout: 10_000,
    keepAliveTimeout: 10_000,
    maxResponseSize: BODY_BYTES_AT_MOST,
    maxHeaderSize: 64 * 1024,
    // The one deadline of the call covers these.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * Sends one request and reads the whole answer, or throws ExchangeError: when the signal aborts, the network fails, or the
 * body is larger than BODY_BYTES_AT_MOST. What is no JSON gives `json` undefined; nothing else is made of it.
 */
export async function exchange(
  agent: Agent,
  baseUrl: string,
  request: ProviderRequest,
  signal: AbortSignal,
  onSent: () => void,
): Promise<ProviderResponse> {
  try {
    const response = await agent.compose(tellWhenSent(onSent)).request({
      ...addressOf(baseUrl, request),
      method: request.method,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
        ...request.headers,
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal,
    });
    const headers = flatten(response.headers);
    const text = await readText(response.body, headers['content-encoding'], signal);
    return { status: response.statusCode, headers, json: parseJson(text) };
  } catch (error) {
    throw error instanceof ExchangeError ? error : new ExchangeError(describeFailure(error, signal));
  }
}

/** Calls back when the request is written to its connection; opening that may have taken a while. */
function tellWhenSent(onSent: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        onSent();
        handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...event) => handler.onRequestUpgrade?.(...event),
      onResponseStart: (...event) => handler.onResponseStart?.(...event),
      onResponseData: (...event) => handler.onResponseData?.(...event),
      onResponseEnd: (...event) => handler.onResponseEnd?.(...event),
      onResponseError: (...event) => handler.onResponseError?.(...event),
    });
}

function addressOf(baseUrl: string, request: ProviderRequest): { origin: string; path: string } {
  const base = new URL(baseUrl);
  const query = new URLSearchParams(request.query).toString();
  const path = base.pathname.replace(/\/$/, '') + request.path;
  return { origin: base.origin, path: query ? `${path}${path.includes('?') ? '&' : '?'}${query}` : path };
}

function flatten(headers: Record<string, string | string[] | undefined>): ProviderResponse['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value[0] : value,
    ]),
  );
}

/** Some servers pack what was asked for plain; a few kilobytes may then unpack to gigabytes, so the cap is on what comes out. */
async function readText(body: Readable, encoding: string | undefined, signal: AbortSignal): Promise<string> {
  const unpack = unpackerOf(body, encoding);
  // `pipe` passes no errors on.
  body.on('error', (error) => unpack?.destroy(error));
  const stream: Readable = unpack ? body.pipe(unpack) : body;
  const abort = (): void => void stream.destroy(new ExchangeError(describeAbort(signal)));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await collect(stream);
  } finally {
    signal.removeEventListener('abort', abort);
    stream.destroy();
    body.destroy();
  }
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_AT_MOST) throw new ExchangeError('The answer is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unpackerOf(body: Readable, encoding: string | undefined): Transform | undefined {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      body.on('error', () => undefined).destroy();
      throw new ExchangeError('The answer is packed in an unknown way.');
  }
}

function describeAbort(signal: AbortSignal): string {
  const isTimeout = (signal.reason as { name?: unknown } | null)?.name === 'TimeoutError';
  return isTimeout ? 'The provider did not answer in time.' : 'The call was called off.';
}

/** Known codes only: messages of the network name hosts and addresses. */
function describeFailure(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return describeAbort(signal);
  const code = (error as { code?: unknown } | null)?.code;
  switch (code) {
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return 'The answer is too large.';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The provider cannot be reached.';
    default:
      return 'The connection to the provider broke.';
  }
}
