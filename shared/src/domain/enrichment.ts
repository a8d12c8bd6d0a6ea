/** What a client may ask to have found. */
export const FIELDS = ['emails', 'phones'] as const;
export type Field = (typeof FIELDS)[number];

/**
 * The states of an enrichment. `pending` is the only one that changes:
 * `finished` every provider that could be asked answered (`dataFound` says whether with something),
 * `failed` one could not be asked or something broke, `timeout` the time ran out, `cancelled` the client ended it.
 */
export const ENRICHMENT_STATUSES = ['pending', 'finished', 'failed', 'timeout', 'cancelled'] as const;
export type EnrichmentStatus = (typeof ENRICHMENT_STATUSES)[number];

/**
 * For statements that find enrichments by id and want pending ones alone. Given as a value, it keeps a plan for any values at the primary
 * key: written into the statement, it offers the index of what is pending, and where nothing was when the table was analysed, the planner
 * reads all of that for each look.
 */
export const PENDING: EnrichmentStatus = 'pending';

/** One lead × one field for one organisation, paid at most once. A new round is a new row. */
export interface Enrichment {
  id: string;
  /** ISO 8601 in UTC, as JSON writes a Date: answers hold thousands of these. */
  createdAt: string;
  updatedAt: string;
  entityId: string;
  entityType: 'person' | 'company';
  field: Field;
  status: EnrichmentStatus;
  /** For a person to read; null while pending or finished. */
  error: string | null;
  /** Null until ended. */
  dataFound: boolean | null;
  createdBy: string;
  orgId: string;
  /** The lookup that answered it; shared across organisations. */
  globalEnrichmentId: string | null;
  /** The debit that paid for it; null where it cost nothing. */
  creditTransactionId: string | null;
}

/** Orders work inside one organisation only. */
export const PRIORITIES = ['normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

export type ValueKind = 'email' | 'phone';

/** The kind of value that answers a field. */
export const KIND_OF_FIELD: Readonly<Record<Field, ValueKind>> = { emails: 'email', phones: 'phone' };

/** One vocabulary for what the providers say of a value. */
export const VERDICTS = ['deliverable', 'risky', 'catch_all', 'unknown', 'invalid'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A value a provider gave, cleaned: an address in lower case, a number in E.164. */
export interface Candidate {
  kind: ValueKind;
  value: string;
  verdict: Verdict;
  /** 0 to 1; null where the provider says nothing. */
  confidence: number | null;
  /** `mobile`, `fixed_line`, …; null for e-mail and where unknown. */
  lineType: string | null;
  /** `other_domain`, `role`, `disposable`, `do_not_call`, … */
  flags: string[];
}
