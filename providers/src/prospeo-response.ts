/** Prospeo's bulk answer: matched by `identifier`, and `error_code` decides where there is an error, not the status. */
import type { Candidate } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type { Answer, AskedQuestion, CallResult, ProviderResponse } from './adapter';
import { answerOf } from './answer';
import { answerAll, failure, failureKindOfStatus, type FailureKind, unreadable } from './call-result';
import { items, property, readCost } from './reading';

/** The value that a field asks for; null where there is none, or none that is shown; else unreadable. */
export type ReadPerson = (person: unknown, question: Question) => Candidate | null | 'unreadable';

const KIND_OF_CODE: ReadonlyMap<unknown, FailureKind> = new Map([
  ['INVALID_DATAPOINTS', 'bad_input'],
  ['INVALID_REQUEST', 'bad_input'],
  ['INSUFFICIENT_CREDITS', 'no_credit'],
  ['INTERNAL_ERROR', 'transient'],
  ['INVALID_API_KEY', 'auth'],
  ['RATE_LIMITED', 'rate'],
]);

/** When the used-up window of a plan opens again. */
const MINUTE_RESET = ['x-minute-reset-seconds'];
const DAY_RESET = ['x-daily-reset-seconds'];

/** Reads either field's answer; `candidateOf` finds the field's value in a person, `priceCredits` is for a match. Never throws. */
export function readProspeo(
  response: ProviderResponse,
  questions: readonly AskedQuestion[],
  candidateOf: ReadPerson,
  priceCredits: number,
): CallResult {
  const { status, json, headers } = response;
  const code = property(json, 'error_code');
  if (code === 'NO_MATCH') return answerAll(questions, { outcome: 'miss', costCredits: 0 });
  if (status === 200 && property(json, 'error') === false)
    return readMatches(response, questions, candidateOf, priceCredits);
  const kind = KIND_OF_CODE.get(code);
  if (!kind && status === 200) return unreadable(response);
  const resetHeaders = headers['x-daily-request-left'] === '0' ? DAY_RESET : MINUTE_RESET;
  return failure(kind ?? failureKindOfStatus(status), response, {
    code: kind ? String(code) : null,
    resetHeaders,
  });
}

function readMatches(
  response: ProviderResponse,
  questions: readonly AskedQuestion[],
  candidateOf: ReadPerson,
  priceCredits: number,
): CallResult {
  const { json } = response;
  const questionOfId = new Map(questions.map(({ id, question }) => [id, question]));
  const matched = peopleById(property(json, 'matched'), questionOfId);
  // Which record was free it does not say.
  const statedCredits = readCost(property(json, 'total_cost'));
  const answers = new Map<string, Answer>();
  for (const [id, person] of matched) {
    const question = questionOfId.get(id);
    const candidate = question ? candidateOf(person, question) : 'unreadable';
    if (candidate !== 'unreadable') answers.set(id, answerOf(candidate, priceCredits));
  }
  fill(answers, questionOfId, property(json, 'not_matched'), { outcome: 'miss', costCredits: 0 });
  fill(answers, questionOfId, property(json, 'invalid_datapoints'), {
    outcome: 'failed',
    reason: 'Prospeo calls the data of this lead invalid',
  });
  return answers.size === 0 ? unreadable(response) : { kind: 'answers', answers, statedCredits };
}

/** The first person of each identifier that was asked. */
function peopleById(matched: unknown, asked: ReadonlyMap<string, Question>): Map<string, unknown> {
  const people = new Map<string, unknown>();
  for (const item of items(matched)) {
    const id = property(item, 'identifier');
    const person = property(item, 'person');
    const isPerson = typeof person === 'object' && person !== null;
    if (typeof id === 'string' && asked.has(id) && isPerson && !people.has(id)) people.set(id, person);
  }
  return people;
}

/** Answers what these identifiers name and nothing has answered yet. */
function fill(
  answers: Map<string, Answer>,
  asked: ReadonlyMap<string, Question>,
  ids: unknown,
  answer: Answer,
): void {
  for (const id of items(ids)) {
    if (typeof id === 'string' && asked.has(id) && !answers.has(id)) answers.set(id, answer);
  }
}
