/**
 * People Data Labs: work addresses and mobile numbers of known people, in bulk. A match is billed whether or not it
 * holds what was asked, unless `required` says what a match must hold.
 * Source: https://docs.peopledatalabs.com/docs/bulk-enrichment-api and
 * https://docs.peopledatalabs.com/docs/reference-person-enrichment-api
 */
import type { Candidate, Field } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type {
  Adapter,
  Answer,
  AskedQuestion,
  CallResult,
  FieldContract,
  ProviderRequest,
  ProviderResponse,
} from './adapter';
import { answerOf, isReadable } from './answer';
import { failure, failureKindOfStatus, unreadable } from './call-result';
import { emailCandidate, phoneCandidate } from './candidate';
import { items, property, propertyAt, readCostHeader } from './reading';

/** What a match must hold to be a match, and to be billed. */
const VALUE_NAME: Readonly<Record<Field, string>> = { emails: 'work_email', phones: 'mobile_phone' };
/** Of 10. By default 2 is enough to be a match, and a namesake is billed and sold. */
const MIN_LIKELIHOOD = 6;
const PRICE_CREDITS = 1;

function buildRequest(field: Field, questions: readonly AskedQuestion[], key: string): ProviderRequest {
  return {
    method: 'POST',
    path: '/v5/person/bulk',
    headers: { 'x-api-key': key },
    body: {
      required: VALUE_NAME[field],
      requests: questions.map(({ id, question }) => ({
        metadata: { id },
        params: { ...paramsOf(question), min_likelihood: MIN_LIKELIHOOD },
      })),
    },
  };
}

function paramsOf(question: Question): Record<string, string> {
  switch (question.form) {
    case 'name_domain':
      return { first_name: question.firstName, last_name: question.lastName, company: question.domain };
    case 'name_company':
      return { first_name: question.firstName, last_name: question.lastName, company: question.company };
    case 'linkedin':
      return { profile: question.linkedinUrl };
    case 'email':
      return { email: question.email };
  }
}

function readBulk(field: Field, response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult {
  const { status, json, headers } = response;
  if (status !== 200) return failure(failureKindOfStatus(status), response);
  const answers = new Map<string, Answer>();
  for (const item of items(json)) {
    const id = propertyAt(item, 'metadata', 'id');
    const asked = questions.find((question) => question.id === id);
    if (!asked || answers.has(asked.id)) continue;
    const answer = readItem(field, item, asked.question);
    if (answer) answers.set(asked.id, answer);
  }
  const statedCredits = readCostHeader(headers['x-call-credits-spent']);
  return answers.size === 0 ? unreadable(response) : { kind: 'answers', answers, statedCredits };
}

/** Null: unreadable, or a passing fault of this item. */
function readItem(field: Field, item: unknown, question: Question): Answer | null {
  const status = property(item, 'status');
  if (status === 404) return { outcome: 'miss', costCredits: 0 };
  if (status === 400)
    return { outcome: 'failed', reason: 'People Data Labs calls the data of this lead invalid' };
  // A plan without contact data has true or false in its place.
  const value = propertyAt(item, 'data', VALUE_NAME[field]);
  if (status !== 200 || !isReadable(value)) return null;
  return answerOf(candidateOf(field, value, item, question), PRICE_CREDITS);
}

/** Nothing is verified; the likelihood says whether it is the person that was meant. */
function candidateOf(field: Field, value: unknown, item: unknown, question: Question): Candidate | null {
  if (field === 'phones') return phoneCandidate(value, { verdict: 'unknown', lineType: 'mobile' });
  const likelihood = property(item, 'likelihood');
  const isLikelihood = typeof likelihood === 'number' && likelihood >= 0 && likelihood <= 10;
  return emailCandidate(value, question, {
    verdict: 'unknown',
    confidence: isLikelihood ? likelihood / 10 : null,
  });
}

function contract(field: Field, forms: FieldContract['forms']): FieldContract {
  return {
    forms,
    // 100 by contract, and a megabyte at most: a person takes some ten kilobytes.
    maxQuestionsPerCall: 50,
    maxCostCredits: PRICE_CREDITS,
    buildRequest: (questions, key) => buildRequest(field, questions, key),
    readResponse: (response, questions) => readBulk(field, response, questions),
  };
}

export const peopledatalabs: Adapter = {
  name: 'peopledatalabs',
  defaults: {
    baseUrl: 'https://api.peopledatalabs.com',
    keyEnv: 'PEOPLEDATALABS_API_KEY',
    // Of its free plan; a paid one has 1000.
    limits: [{ unit: 'calls', amount: 100, perSeconds: 60 }],
    concurrent: 5,
    timeoutSeconds: 60,
    maxWaitSeconds: 60,
  },
  // Each header tells of minute, day and month at once. Source: https://docs.peopledatalabs.com/docs/usage-limits
  rateHeaders: [
    {
      perSeconds: 60,
      unit: 'calls',
      limit: 'x-ratelimit-limit',
      remaining: 'x-ratelimit-remaining',
      reset: 'x-ratelimit-reset',
      part: 'minute',
    },
    {
      perSeconds: 86_400,
      unit: 'calls',
      limit: 'x-ratelimit-limit',
      remaining: 'x-ratelimit-remaining',
      part: 'day',
    },
  ],
  fields: {
    emails: contract('emails', ['linkedin', 'name_domain', 'name_company']),
    phones: contract('phones', ['linkedin', 'name_domain', 'name_company', 'email']),
  },
};
