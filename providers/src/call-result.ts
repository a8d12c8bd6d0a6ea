/** What the status of a response says where the provider's contract says nothing else. */
import type { Answer, AskedQuestion, CallResult, ProviderResponse } from './adapter';
import { readRetryAfter } from './retry-after';

/** A result that holds no answers. */
export type Failure = Exclude<CallResult, { kind: 'answers' }>;
export type FailureKind = Failure['kind'];

/**
 * What a status means at most providers. 3xx is passing, never followed: it would carry the key elsewhere.
 * 404 has no common meaning: a provider that means "nothing found" by it says so in its adapter, and any other 404 is
 * a wrong base URL or a proxy, from which no miss may be concluded.
 */
export function failureKindOfStatus(status: number): FailureKind {
  if (status === 401 || status === 403) return 'auth';
  if (status === 402) return 'no_credit';
  if (status === 429) return 'rate';
  if (status === 400 || status === 413 || status === 414 || status === 422) return 'bad_input';
  return 'transient';
}

/** A failed call. `code` must be one the adapter knows: what the provider wrote freely may hold a name or the key. */
export function failure(
  kind: FailureKind,
  response: ProviderResponse,
  options: { code?: string | null; resetHeaders?: readonly string[] } = {},
): Failure {
  const reason = options.code ? `HTTP ${response.status} (${options.code})` : `HTTP ${response.status}`;
  if (kind !== 'rate' && kind !== 'transient') return { kind, reason };
  return { kind, reason, retryAfterSeconds: readRetryAfter(response.headers, options.resetHeaders) };
}

/** A 200 that cannot be read. */
export function unreadable(response: ProviderResponse): Failure {
  const { status, headers } = response;
  return {
    kind: 'transient',
    reason: `HTTP ${status} with an unreadable body`,
    retryAfterSeconds: readRetryAfter(headers),
  };
}

/** One answer for every question of the call. */
export function answerAll(
  questions: readonly AskedQuestion[],
  answer: Answer,
  statedCredits: number | null = null,
): CallResult {
  return { kind: 'answers', answers: new Map(questions.map(({ id }) => [id, answer])), statedCredits };
}
