import type { ProviderRequest, ProviderResponse } from '@leadwell/providers/adapter';
import { parseJson } from '@leadwell/providers/parse-json';
import { Agent, type Dispatcher } from 'undici';
import { ExchangeError } from './exchange-error';
import { BODY_BYTES_AT_MOST, readBody } from './read-body';

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
    const json = await readBody(response.body, headers['content-encoding'], signal, parseJson);
    return { status: response.statusCode, headers, json };
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
