import { setTimeout as delay } from 'node:timers/promises';
import type { Tenant } from '@leadwell/harness/seed';
import type { Journal, Told } from './journal';

const ANSWER_MS = 30_000;
const AGAIN_MS = 300;
const TRIES = 400;
/** What a client of this load may be told for good, faults or not. */
const DEFINITE = new Set([402, 404]);

export interface OrderCall {
  tenant: Tenant;
  path: string;
  body?: unknown;
  key?: string | undefined;
}

/** A client that repeats until it has a definite answer: on 503, 409, a lost connection or silence, at the other API. */
export class ChaosClient {
  private turn = 0;

  constructor(
    private readonly apiUrls: readonly string[],
    private readonly journal: Journal,
  ) {}

  /** What was accepted; undefined where the call was refused. Under one key, the answers are compared by the journal. */
  async order(call: OrderCall): Promise<Told | undefined> {
    const answer = await this.untilDefinite(call);
    if (!answer) return undefined;
    const { response, json } = answer;
    const rows = (Array.isArray(json) ? json : [json]) as { id: string }[];
    const told: Told = {
      ...call.tenant,
      path: call.path,
      body: call.body,
      key: call.key,
      requestId: response.headers.get('location')?.split('/').pop() ?? '',
      enrichmentIds: rows.map(({ id }) => id),
      charged: response.headers.get('x-credits-charged'),
    };
    this.journal.add(told);
    return told;
  }

  async cancel(told: Told): Promise<void> {
    const path = `/requests/${told.requestId}/cancel`;
    await this.untilDefinite({ tenant: { ...told, keyId: '' }, path });
  }

  private async untilDefinite(call: OrderCall): Promise<{ response: Response; json: unknown } | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await this.send(call).catch(() => undefined);
      if (answer?.response.ok) return answer;
      const status = answer?.response.status;
      if (status !== undefined && DEFINITE.has(status)) return undefined;
      if (status !== undefined && status !== 503 && status !== 409) {
        this.journal.unexpected.push(`${status} from POST ${call.path}: ${JSON.stringify(answer?.json)}`);
        return undefined;
      }
      await delay(AGAIN_MS);
    }
    this.journal.unexpected.push(`no definite answer to POST ${call.path} in ${TRIES} tries`);
    return undefined;
  }

  private async send({ tenant, path, body, key }: OrderCall): Promise<{ response: Response; json: unknown }> {
    const apiUrl = this.apiUrls[this.turn++ % this.apiUrls.length] as string;
    const response = await fetch(`${apiUrl}/api/v1/operations/enrichment${path}`, {
      method: 'POST',
      signal: AbortSignal.timeout(ANSWER_MS),
      headers: {
        authorization: `Bearer ${tenant.apiKey}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { response, json: JSON.parse(await response.text()) as unknown };
  }
}
