/**
 * Apollo's numbers: handed in with the match, then polled for. The id to poll by is the answer's own `request_id`, a
 * signed 64-bit integer; those inside `phone_enrichment` and `waterfall` are refused there. People are told apart by
 * Apollo's id of them.
 * Source: https://docs.apollo.io/docs/retrieve-mobile-phone-numbers-for-contacts and
 * https://docs.apollo.io/reference/poll-webhook-result
 */
import type {
  Answer,
  AskedQuestion,
  AsyncFieldContract,
  PollResult,
  ProviderRequest,
  ProviderResponse,
  SubmitResult,
  SubmittedQuestion,
} from './adapter';
import { buildMatch, isBlank, MAX_PEOPLE, readFailure, readMatches } from './apollo-match';
import { readNumbers } from './apollo-numbers';
import { failure, unreadable } from './call-result';
import { hasProperty, property, readCost } from './reading';
import { readRetryAfter, readRetrySeconds } from './retry-after';

/** The match, and a number. */
const MAX_COST_CREDITS = 9;

const PERSON_ID = /^[A-Za-z0-9_-]{1,200}$/;
const ENDED: ReadonlyMap<number, string> = new Map([
  [400, 'invalid_request_id'],
  [404, 'request_id_unknown'],
  [410, 'request_id_expired'],
]);

function buildSubmit(questions: readonly AskedQuestion[], key: string): ProviderRequest {
  return buildMatch(questions, key, { reveal_phone_number: 'true', poll_only: 'true' });
}

function readSubmit(response: ProviderResponse, questions: readonly AskedQuestion[]): SubmitResult {
  const matches = readMatches(response, questions);
  if ('kind' in matches) return matches;
  const job = readJobId(property(response.json, 'request_id'));
  const externalIds = new Map<string, string>();
  const answers = new Map<string, Answer>();
  questions.forEach(({ id }, position) => {
    const person = matches[position];
    const personId = property(person, 'id');
    if (isBlank(person)) answers.set(id, { outcome: 'miss', costCredits: 0 });
    else if (job !== null && typeof personId === 'string' && PERSON_ID.test(personId)) {
      externalIds.set(id, `${job}/${personId}`);
    }
  });
  if (answers.size + externalIds.size === 0) return unreadable(response);
  const statedCredits = readCost(property(response.json, 'credits_consumed'));
  return { kind: 'submitted', externalIds, answers, statedCredits, retryAfterSeconds: readWait(response) };
}

/** A number where it is small enough to be one, else the text that parseJson made of it. */
function readJobId(value: unknown): string | null {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && /^-?\d{1,19}$/.test(text) ? text : null;
}

function readWait({ json, headers }: ProviderResponse): number | null {
  return readRetrySeconds(property(json, 'retry_after_seconds')) ?? readRetryAfter(headers);
}

function buildPoll(jobId: string, key: string): ProviderRequest {
  return { method: 'GET', path: `/api/v1/webhook_result/${jobId}`, headers: { 'x-api-key': key } };
}

function readPoll(response: ProviderResponse, questions: readonly SubmittedQuestion[]): PollResult {
  const { status, json } = response;
  const code = property(json, 'error_code');
  // Its own 404, of a result that will come; a proxy's says no such thing.
  if (status === 404 && code === 'result_pending') {
    return { kind: 'pending', retryAfterSeconds: readWait(response) };
  }
  const ended = ENDED.get(status);
  if (ended !== undefined && ended === code) return failure('bad_input', response, { code: ended });
  const failed = readFailure(response);
  if (failed) return failed;
  const payload = hasProperty(json, 'webhook_result') ? property(json, 'webhook_result') : json;
  const answers = readNumbers(payload, questions);
  return answers.size === 0 ? unreadable(response) : { kind: 'answers', answers };
}

export const apolloPhones: AsyncFieldContract = {
  forms: ['linkedin', 'email', 'name_domain', 'name_company'],
  maxQuestionsPerCall: MAX_PEOPLE,
  isPositional: true,
  maxCostCredits: MAX_COST_CREDITS,
  pollSeconds: 15,
  pollEndpoint: 'webhook_result',
  buildSubmit,
  readSubmit,
  buildPoll,
  readPoll,
};
