/** The API as a client sees it. */
export interface EnrichmentView {
  id: string;
  entityId: string;
  status: 'pending' | 'finished' | 'failed' | 'timeout' | 'cancelled';
  dataFound: boolean | null;
  error: string | null;
  globalEnrichmentId: string | null;
  creditTransactionId: string | null;
}

export class Client {
  constructor(
    private readonly apiUrl: string,
    private readonly apiKey: string,
  ) {}

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(`${this.apiUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.apiKey}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** The parsed body of a call that must succeed. */
  async get<T>(path: string): Promise<T> {
    return (await expectOk(await this.call('GET', path))) as T;
  }

  async enrich(includedIds: readonly string[], field: 'emails' | 'phones'): Promise<EnrichmentView[]> {
    const body = { selection: { mode: 'manual', includedIds }, field };
    return (await expectOk(await this.call('POST', '/operations/enrichment/bulk', body))) as EnrichmentView[];
  }

  async balance(): Promise<number> {
    return (await this.get<{ balance: number }>('/operations/credits/balance')).balance;
  }

  async person(id: string): Promise<{ emails: string[]; phones: string[] }> {
    return this.get(`/entities/prospects/person/${id}`);
  }
}

async function expectOk(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
