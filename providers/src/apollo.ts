/**
 * Apollo: e-mail addresses, up to 10 people a call, answered by position.
 * Source: https://docs.apollo.io/reference/bulk-people-enrichment and https://github.com/api-evangelist/apollo-io
 */
import type { Verdict } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type {
  Adapter,
  Answer,
  AskedQuestion,
  CallResult,
  ProviderRequest,
  ProviderResponse,
} from './adapter';
import { answerOf, isReadable, shareOf } from './answer';
import { failure, failureKindOfStatus, unreadable } from './call-result';
import { emailCandidate } from './candidate';
import { items, property } from './reading';
import { waitForWindow } from './retry-after';

const WINDOWS = [
  ['x-24-hour-requests-left', 86_400],
  ['x-hourly-requests-left', 3600],
  ['x-minute-requests-left', 60],
] as const;

const VERDICTS: ReadonlyMap<unknown, Verdict> = new Map([
  ['verified', 'deliverable'],
  ['guessed', 'risky'],
  ['extrapolated', 'risky'],
  ['bounced', 'invalid'],
]);

function buildRequest(questions: readonly AskedQuestion[], key: string): ProviderRequest {
  return {
    method: 'POST',
    path: '/api/v1/people/bulk_match',
    // In the body, clients have seen them ignored.
    query: { reveal_personal_emails: 'false', reveal_phone_number: 'false' },
    headers: { 'x-api-key': key },
    body: { details: questions.map(({ question }) => detailsOf(question)) },
  };
}

function detailsOf(question: Question): Record<string, string> {
  switch (question.form) {
    case 'name_domain':
      return { first_name: question.firstName, last_name: question.lastName, domain: question.domain };
    case 'name_company':
      return {
        first_name: question.firstName,
        last_name: question.lastName,
        organization_name: question.company,
      };
    case 'linkedin':
      return { linkedin_url: question.linkedinUrl };
    case 'email':
      return { email: question.email };
  }
}

function readResponse(response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult {
  const { status, json } = response;
  if (status === 429) return waitForWindow(failure('rate', response), response.headers, WINDOWS);
  if (status < 500 && isOutOfCredit(json)) return failure('no_credit', response);
  if (status !== 200) return failure(failureKindOfStatus(status), response);
  const matches = items(property(json, 'matches'));
  // One answer missing, and every position after it would be somebody else's.
  if (matches.length !== questions.length) return unreadable(response);
  const people = matches.filter((person) => !isBlank(person)).length;
  const costCredits = shareOf(property(json, 'credits_consumed'), people);
  const answers = new Map<string, Answer>();
  questions.forEach(({ id, question }, position) => {
    const answer = readPerson(matches[position], question, costCredits);
    if (answer) answers.set(id, answer);
  });
  return answers.size === 0 ? unreadable(response) : { kind: 'answers', answers };
}

/** Null: unreadable. A person without an address is charged for what else was found. */
function readPerson(person: unknown, question: Question, costCredits: number | null): Answer | null {
  if (isBlank(person)) return { outcome: 'miss', costCredits: 0 };
  const email = property(person, 'email');
  if (!isReadable(email)) return null;
  const verdict = VERDICTS.get(property(person, 'email_status')) ?? 'unknown';
  return answerOf(emailCandidate(email, question, { verdict }), costCredits);
}

/** Nobody: null, or an object without anything. */
function isBlank(person: unknown): boolean {
  return person === null || (typeof person === 'object' && Object.keys(person).length === 0);
}

/** Said in words, under several statuses. */
function isOutOfCredit(json: unknown): boolean {
  return ['error', 'error_code', 'error_message', 'message'].some((name) => {
    const said = property(json, name);
    return (
      typeof said === 'string' &&
      /(insufficient|not enough|out of|no) \w{0,20} ?credit|insufficient_credit/i.test(said.slice(0, 500))
    );
  });
}

export const apollo: Adapter = {
  name: 'apollo',
  defaults: {
    baseUrl: 'https://api.apollo.io',
    keyEnv: 'APOLLO_API_KEY',
    // Of its free plan, for calls in bulk; a paid one has 1000 a minute.
    limits: [
      { unit: 'calls', amount: 20, perSeconds: 60 },
      { unit: 'calls', amount: 200, perSeconds: 3600 },
      { unit: 'calls', amount: 600, perSeconds: 86_400 },
    ],
    concurrent: 5,
    timeoutSeconds: 60,
    maxWaitSeconds: 60,
  },
  rateHeaders: [
    { perSeconds: 60, unit: 'calls', limit: 'x-rate-limit-minute', remaining: 'x-minute-requests-left' },
    { perSeconds: 3600, unit: 'calls', limit: 'x-rate-limit-hourly', remaining: 'x-hourly-requests-left' },
    {
      perSeconds: 86_400,
      unit: 'calls',
      limit: 'x-rate-limit-24-hour',
      remaining: 'x-24-hour-requests-left',
    },
  ],
  fields: {
    emails: {
      forms: ['linkedin', 'name_domain', 'name_company'],
      maxQuestionsPerCall: 10,
      buildRequest,
      readResponse,
    },
  },
};
