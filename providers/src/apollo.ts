/**
 * Apollo: e-mail addresses, and numbers, which come later; up to 10 people a call, by LinkedIn profile or by name and domain or
 * company (numbers by e-mail address too). Charges 1 per person matched, address or not, and 8 more per person with a
 * number; asking again may be charged again.
 * Limits per endpoint: free 20 calls in bulk/min, 200/h, 600/day; paid 1000/min. A hit is `email` of the match, a miss
 * `null`, a blank person or `email_not_unlocked@…`; nobody is told to be restricted. An empty account is told in words,
 * 401 and 403 refuse the key, 429 is too fast, 5xx passes.
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
import { answerOf, isReadable } from './answer';
import { buildMatch, isBlank, MAX_PEOPLE, readMatches } from './apollo-match';
import { apolloPhones } from './apollo-phones';
import { unreadable } from './call-result';
import { emailCandidate } from './candidate';
import { property, readCost } from './reading';

/** Charged per person found, with an address or without. */
const PRICE_CREDITS = 1;

const VERDICTS: ReadonlyMap<unknown, Verdict> = new Map([
  ['verified', 'deliverable'],
  ['guessed', 'risky'],
  ['extrapolated', 'risky'],
  ['bounced', 'invalid'],
]);

function buildRequest(questions: readonly AskedQuestion[], key: string): ProviderRequest {
  return buildMatch(questions, key, { reveal_phone_number: 'false' });
}

function readResponse(response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult {
  const matches = readMatches(response, questions);
  if ('kind' in matches) return matches;
  const answers = new Map<string, Answer>();
  questions.forEach(({ id, question }, position) => {
    const answer = readPerson(matches[position], question);
    if (answer) answers.set(id, answer);
  });
  const statedCredits = readCost(property(response.json, 'credits_consumed'));
  return answers.size === 0 ? unreadable(response) : { kind: 'answers', answers, statedCredits };
}

/** Null: unreadable. A person without an address is charged for what else was found. */
function readPerson(person: unknown, question: Question): Answer | null {
  if (isBlank(person)) return { outcome: 'miss', costCredits: 0 };
  const email = property(person, 'email');
  if (!isReadable(email)) return null;
  const verdict = VERDICTS.get(property(person, 'email_status')) ?? 'unknown';
  return answerOf(emailCandidate(email, question, { verdict }), PRICE_CREDITS);
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
      maxQuestionsPerCall: MAX_PEOPLE,
      isPositional: true,
      maxCostCredits: PRICE_CREDITS,
      buildRequest,
      readResponse,
    },
    phones: apolloPhones,
  },
};
