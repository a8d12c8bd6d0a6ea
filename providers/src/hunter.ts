/**
 * Hunter: e-mail finder, one person a call.
 * Source: https://hunter.io/api-documentation/v2#email-finder and https://github.com/api-evangelist/hunter
 */
import type { Verdict } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type { Adapter, AskedQuestion, CallResult, ProviderRequest, ProviderResponse } from './adapter';
import { answerOf, isReadable } from './answer';
import { answerAll, failure, failureKindOfStatus, unreadable } from './call-result';
import { confidenceOfPercent, emailCandidate } from './candidate';
import { hasProperty, property, propertyAt } from './reading';

/** Charged per address found, verification included; nothing otherwise. The response does not say. */
const PRICE_CREDITS = 1;

const VERDICTS: ReadonlyMap<unknown, { verdict: Verdict; flags?: readonly string[] }> = new Map([
  ['valid', { verdict: 'deliverable' }],
  ['invalid', { verdict: 'invalid' }],
  ['accept_all', { verdict: 'catch_all' }],
  ['webmail', { verdict: 'unknown', flags: ['webmail'] }],
  ['disposable', { verdict: 'risky', flags: ['disposable'] }],
]);

function buildRequest(questions: readonly AskedQuestion[], key: string): ProviderRequest {
  const [asked] = questions;
  if (!asked) throw new Error('A call needs a question');
  return {
    method: 'GET',
    path: '/v2/email-finder',
    query: queryOf(asked.question),
    // Not in the query: URLs are logged on the way.
    headers: { 'x-api-key': key },
  };
}

function queryOf(question: Question): Record<string, string> {
  switch (question.form) {
    case 'name_domain':
      return { domain: question.domain, first_name: question.firstName, last_name: question.lastName };
    case 'name_company':
      return { company: question.company, first_name: question.firstName, last_name: question.lastName };
    case 'linkedin':
      return { linkedin_handle: question.linkedinUrl.split('/').at(-1) ?? '' };
    case 'email':
      throw new Error('Hunter does not find an address by an address');
  }
}

function readResponse(response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult {
  const { status, json } = response;
  if (status === 200) return readFound(response, questions);
  if (status === 404 && hasProperty(json, 'errors'))
    return answerAll(questions, { outcome: 'miss', costCredits: 0 });
  if (status === 451)
    return answerAll(questions, { outcome: 'restricted', reason: 'The person asked Hunter not to be found' });
  // Hunter's own meanings: 403 is too many a second or minute, 429 is the end of the plan's quota.
  if (status === 403) return failure('rate', response);
  if (status === 429) return failure('no_credit', response);
  return failure(failureKindOfStatus(status), response);
}

function readFound(response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult {
  const data = property(response.json, 'data');
  const email = property(data, 'email');
  const [asked] = questions;
  if (!asked || !isReadable(email)) return unreadable(response);
  const said = VERDICTS.get(propertyAt(data, 'verification', 'status')) ?? { verdict: 'unknown' };
  const confidence = confidenceOfPercent(property(data, 'score'));
  const candidate = emailCandidate(email, asked.question, { ...said, confidence });
  return answerAll(questions, answerOf(candidate, typeof email === 'string' && email ? PRICE_CREDITS : 0));
}

export const hunter: Adapter = {
  name: 'hunter',
  defaults: {
    baseUrl: 'https://api.hunter.io',
    keyEnv: 'HUNTER_API_KEY',
    limits: [
      { unit: 'calls', amount: 15, perSeconds: 1 },
      { unit: 'calls', amount: 500, perSeconds: 60 },
    ],
    concurrent: 30,
    // Hunter itself looks for up to 10 seconds.
    timeoutSeconds: 15,
    maxWaitSeconds: 60,
  },
  fields: {
    emails: {
      forms: ['name_domain', 'linkedin', 'name_company'],
      maxQuestionsPerCall: 1,
      maxCostCredits: PRICE_CREDITS,
      buildRequest,
      readResponse,
    },
  },
};
