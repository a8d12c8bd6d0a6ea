/** The calls of the HTTP API that the demo makes, as any client would. */

export type Field = 'emails' | 'phones';

/** GET /operations/enrichment/requests/{id}: counters over the rows that the request lists. */
export interface RequestProgress {
  id: string;
  total: number;
  free: number;
  reused: number;
  pending: number;
  found: number;
  notFound: number;
  failed: number;
  timeout: number;
  cancelled: number;
  creditsCharged: number;
  creditsRefunded: number;
}

export interface AcceptedRequest {
  field: Field;
  /** Path of the request, from the Location header. */
  location: string;
  selected: number;
  charged: number;
}

/** A line of GET /requests/{id}/results: one value, or one lead without any. */
export interface ResultLine {
  leadId: string;
  name: string;
  status: string;
  value: string | null;
  provider: string | null;
  verdict: string | null;
}

export interface ApiClient {
  /** Enriches the first `count` leads of the search without filters. */
  enrichRange(field: Field, count: number): Promise<AcceptedRequest>;
  getProgress(location: string): Promise<RequestProgress>;
  /** The results of a request, in selection order. */
  getResults(location: string): Promise<ResultLine[]>;
  getBalance(): Promise<number>;
}

/** A client of the API at a base URL with one key. Every call throws, with the API's own message, unless it is a 2xx. */
export function createApiClient(baseUrl: string, apiKey: string): ApiClient {
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`${baseUrl}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...init.headers },
    });
    if (!response.ok)
      throw new ApiCallError(response.status, `${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    enrichRange: (field, count) => enrichRange(call, field, count),
    getProgress: async (location) => (await (await call(location)).json()) as RequestProgress,
    getResults: async (location) => {
      const response = await call(`${location}/results`, { headers: { accept: 'application/x-ndjson' } });
      const lines = (await response.text()).trim().split('\n').filter(Boolean);
      return lines.map((line) => JSON.parse(line) as ResultLine);
    },
    getBalance: async () => {
      const response = await call('/api/v1/operations/credits/balance');
      return ((await response.json()) as { balance: number }).balance;
    },
  };
}

/** An answer of the API that is no 2xx. */
export class ApiCallError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiCallError';
    this.status = status;
  }
}

async function enrichRange(
  call: (path: string, init: RequestInit) => Promise<Response>,
  field: Field,
  count: number,
): Promise<AcceptedRequest> {
  const selection = { mode: 'bulk', startIndex: 0, targetCount: count, filters: {} };
  const response = await call('/api/v1/operations/enrichment/bulk', {
    method: 'POST',
    body: JSON.stringify({ selection, field }),
  });
  const enrichments = (await response.json()) as unknown[];
  return {
    field,
    location: response.headers.get('location') ?? '',
    selected: enrichments.length,
    charged: Number(response.headers.get('x-credits-charged')),
  };
}
