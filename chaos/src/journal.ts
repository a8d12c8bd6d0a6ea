/** What clients were told: every 2xx answer to an order, to be held against the database in the end. */
export interface Told {
  apiKey: string;
  orgId: string;
  path: string;
  body: unknown;
  /** Undefined: sent without an Idempotency-Key. */
  key: string | undefined;
  requestId: string;
  enrichmentIds: string[];
  charged: string | null;
}

export class Journal {
  readonly told: Told[] = [];
  /** Answers that no fault excuses, a sentence each. */
  readonly unexpected: string[] = [];
  /** Idempotency-Keys under which answers differed. */
  readonly differing = new Set<string>();
  private readonly byKey = new Map<string, Told>();

  add(answer: Told): void {
    const first = answer.key === undefined ? undefined : this.byKey.get(answer.key);
    if (first && !isSame(first, answer)) this.differing.add(answer.key as string);
    if (first) return;
    if (answer.key !== undefined) this.byKey.set(answer.key, answer);
    this.told.push(answer);
  }
}

function isSame(one: Told, other: Told): boolean {
  return (
    one.requestId === other.requestId &&
    one.charged === other.charged &&
    one.enrichmentIds.join() === other.enrichmentIds.join()
  );
}
