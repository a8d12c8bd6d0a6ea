/** Lusha's bulk answer, matched by `clientReferenceId`. */
import type { Candidate, Field } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type { Answer, AskedQuestion, CallResult, ProviderResponse } from './adapter';
import { answerOfAll, isReadable, shareOf } from './answer';
import { answerAll, failure, failureKindOfStatus, unreadable } from './call-result';
import { emailCandidate, phoneCandidate } from './candidate';
import { waitForWindow } from './retry-after';
import { items, property, propertyAt, readCost } from './reading';

/** No Retry-After: which window is used up says how long it may take. */
const WINDOWS = [
  ['x-daily-requests-left', 86_400],
  ['x-hourly-requests-left', 3600],
  ['x-minute-requests-left', 60],
] as const;

/** Which of several is given first. */
const EMAIL_ORDER: readonly unknown[] = ['work', 'unknown', 'private'];
const PHONE_ORDER: readonly unknown[] = ['mobile', 'direct', 'work', 'unknown'];

/** Reads either field's answer. Never throws. */
export function readLusha(
  field: Field,
  response: ProviderResponse,
  questions: readonly AskedQuestion[],
): CallResult {
  const { status } = response;
  if (status === 451) return readRestricted(response, questions);
  if (status === 429) return waitForWindow(failure('rate', response), response.headers, WINDOWS);
  if (status !== 200) return failure(failureKindOfStatus(status), response);
  const results = resultsById(response.json, questions);
  const charged = [...results.values()].filter((result) => !isEmpty(field, result)).length;
  const statedCredits = readCost(propertyAt(response.json, 'billing', 'creditsCharged'));
  const costCredits = shareOf(statedCredits, charged);
  const answers = new Map<string, Answer>();
  for (const { id, question } of questions) {
    const answer = readResult(field, results.get(id), question, costCredits);
    if (answer) answers.set(id, answer);
  }
  return answers.size === 0 ? unreadable(response) : { kind: 'answers', answers, statedCredits };
}

/** Of several people a 451 does not say whom it means: asked one by one, each gets its own. */
function readRestricted(response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult {
  if (questions.length > 1) return failure('bad_input', response);
  return answerAll(questions, { outcome: 'restricted', reason: RESTRICTED });
}

const RESTRICTED = 'Lusha may not give data about this person';

/** The first result of each reference that was asked. */
function resultsById(json: unknown, questions: readonly AskedQuestion[]): Map<string, unknown> {
  const ids = new Set<unknown>(questions.map(({ id }) => id));
  const results = new Map<string, unknown>();
  for (const result of items(property(json, 'results'))) {
    const id = property(result, 'clientReferenceId');
    if (typeof id === 'string' && ids.has(id) && !results.has(id)) results.set(id, result);
  }
  return results;
}

/** Whether nothing was found, and so nothing is charged. */
function isEmpty(field: Field, result: unknown): boolean {
  return items(property(result, field)).length === 0;
}

/** Null: not there, or unreadable. */
function readResult(
  field: Field,
  result: unknown,
  question: Question,
  costCredits: number | null,
): Answer | null {
  const error = property(result, 'error') ?? null;
  if (error !== null) return readError(property(error, 'code'));
  const listed = property(result, field);
  if (!Array.isArray(listed)) return null;
  if (listed.length === 0) return { outcome: 'miss', costCredits: 0 };
  const name = field === 'emails' ? 'email' : 'number';
  const readable = listed.filter((item) => typeof property(item, name) === 'string' || isHidden(item, name));
  return readable.length === 0 ? null : answerOfAll(candidatesOf(field, readable, question), costCredits);
}

/** There, but not shown. */
function isHidden(item: unknown, name: string): boolean {
  const value = property(item, name);
  return value !== undefined && isReadable(value);
}

function readError(code: unknown): Answer | null {
  if (code === 'NOT_FOUND') return { outcome: 'miss', costCredits: 0 };
  if (code === 'COMPLIANCE_RESTRICTED') return { outcome: 'restricted', reason: RESTRICTED };
  if (code === 'ENRICH_FAILED') return { outcome: 'failed', reason: 'Lusha could not look this person up' };
  return null;
}

function candidatesOf(field: Field, listed: readonly unknown[], question: Question): (Candidate | null)[] {
  const order = field === 'emails' ? EMAIL_ORDER : PHONE_ORDER;
  const rankOf = (item: unknown): number => order.indexOf(property(item, 'type')) >>> 0;
  const sorted = [...listed].sort((a, b) => rankOf(a) - rankOf(b));
  return sorted.map((item) => (field === 'emails' ? readEmail(item, question) : readPhone(item)));
}

/** Its grades (A+, A, …) are no verdict. */
function readEmail(item: unknown, question: Question): Candidate | null {
  const flags = property(item, 'type') === 'private' ? ['personal'] : [];
  return emailCandidate(property(item, 'email'), question, { verdict: 'unknown', flags });
}

function readPhone(item: unknown): Candidate | null {
  const flags = property(item, 'doNotCall') === true ? ['do_not_call'] : [];
  return phoneCandidate(property(item, 'number'), {
    verdict: 'unknown',
    lineType: property(item, 'type'),
    flags,
  });
}
