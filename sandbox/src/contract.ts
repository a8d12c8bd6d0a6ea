/** The other side of the providers' contracts: what each reads, answers, charges and refuses. It shares no code with the adapters. */
import type { Finding } from './truth';

export interface Limit {
  unit: 'calls' | 'records';
  /** At most this many in any window of `perSeconds`. */
  amount: number;
  perSeconds: number;
  /** Counts calls of this path only; of all paths below it where it ends in a slash. */
  path?: string;
}

export interface Call {
  method: string;
  /** Without the provider's prefix. */
  path: string;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body; undefined where there is none or it is no JSON. */
  body: unknown;
}

export interface Reply {
  status: number;
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** What somebody asks about one person. */
export interface Subject {
  field: 'email' | 'mobile';
  /** What decides the answer; equal for equal questions. */
  id: string;
  firstName: string;
  lastName: string;
  /** Where the address is to be; invented where the question names none. */
  domain: string;
}

/** What is found for a subject, and whether this account pays for it: what it paid for once is free. */
export interface Found {
  finding: Finding;
  isFree: boolean;
}

/** A call that can be answered: who is asked about, and how the answer is written. */
export interface Asked {
  subjects: readonly Subject[];
  /** Price in credits of one subject's finding. */
  priceOf(finding: Finding): number;
  write(found: readonly Found[], creditsLeft: number): Reply;
}

/** What an account has handed in and not fetched for good: whatever an asynchronous provider keeps, by its id. */
export type Jobs = Map<string, unknown>;

export interface WindowUse {
  limit: Limit;
  left: number;
  /** Until the window is as it was before its oldest call. */
  resetSeconds: number;
}

export interface ProviderContract {
  name: string;
  /** The share of people of whom it has an address, and a number: 0 to 1. */
  coverage: Readonly<Record<Subject['field'], number>>;
  /** The share of what it has that it shows masked. Defaults to 0. */
  maskedShare?: number;
  limits: readonly Limit[];
  /** Calls in flight at most; one more is too fast. Undefined: no limit. */
  concurrent?: number;
  /** The key of a call; null where it carries none. */
  keyOf(call: Call): string | null;
  /** What is asked, or at once the reply to a call that asks nothing or is malformed. */
  read(call: Call, creditsLeft: number, jobs: Jobs): Asked | Reply;
  badKey(): Reply;
  tooFast(retryAfterSeconds: number): Reply;
  noCredit(): Reply;
  brokenInside(): Reply;
  /** Headers that tell what is left of the limits. */
  limitHeaders?(uses: readonly WindowUse[]): Record<string, string>;
}

/** Text that is not empty, or null. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** The fields of a JSON object; none for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
