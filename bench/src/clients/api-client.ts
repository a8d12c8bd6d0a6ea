/** A client of the API over connections that stay open, which times its calls and reads no more than it must. */
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';

export interface TimedResponse {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  /** From before the request is written until the last byte is here; nothing is parsed in between. */
  ms: number;
}

/** The API refused a call. `retryAfterSeconds`: it says that the same call may succeed after this time; undefined: it never will. */
export class RefusedCall extends Error {
  readonly retryAfterSeconds: number | undefined;

  constructor(call: string, { status, headers, text }: Omit<TimedResponse, 'ms'>) {
    super(`${call} answered ${status}: ${text.slice(0, 300)}`);
    const seconds = Number(headers['retry-after']);
    this.retryAfterSeconds = status === 503 && seconds >= 0 ? seconds : undefined;
  }
}

export class ApiClient {
  private readonly agent: Agent;

  /** `connections`: calls at a time, each over a connection of its own. */
  constructor(
    private readonly apiUrl: string,
    private readonly apiKey: string,
    connections = 1,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Makes one call. Rejects on an answer of 400 or above: a refusal must never count as a fast answer. */
  async call(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<TimedResponse> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const all = {
      authorization: `Bearer ${this.apiKey}`,
      ...(payload !== '' && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
      }),
      ...headers,
    };
    const startedAt = performance.now();
    const response = await this.exchange(method, path, payload, all);
    if (response.status >= 400) {
      throw new RefusedCall(`${method} ${path}`, response);
    }
    return { ...response, ms: performance.now() - startedAt };
  }

  /** Orders e-mail addresses for explicit leads. */
  enrich(includedIds: readonly string[]): Promise<TimedResponse> {
    const selection = { mode: 'manual', includedIds };
    return this.call('POST', '/operations/enrichment/bulk', { selection, field: 'emails' });
  }

  close(): void {
    this.agent.destroy();
  }

  private exchange(
    method: string,
    path: string,
    payload: string,
    headers: Record<string, string | number>,
  ): Promise<Omit<TimedResponse, 'ms'>> {
    return new Promise((resolve, reject) => {
      const sent = request(
        `${this.apiUrl}/api/v1${path}`,
        { agent: this.agent, method, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString(),
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(payload);
    });
  }
}
