/**
 * LeadMagic: e-mail finder and mobile finder, one person a call.
 * Source: https://leadmagic.io/docs and https://github.com/LeadMagic/leadmagic-openapi
 */
import type { Candidate, Verdict } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type { Adapter, AskedQuestion, CallResult, ProviderRequest, ProviderResponse } from './adapter';
import { answerOf, isReadable } from './answer';
import { answerAll, failure, failureKindOfStatus, unreadable } from './call-result';
import { emailCandidate, phoneCandidate } from './candidate';
import { hasProperty, property, readCost } from './reading';

/** Charged per value found. */
const EMAIL_CREDITS = 1;
const MOBILE_CREDITS = 5;

/** 'valid' is the only documented word for an address; the others are what its validation answers. */
const VERDICTS: ReadonlyMap<unknown, Verdict> = new Map([
  ['valid', 'deliverable'],
  ['valid_catch_all', 'catch_all'],
  ['catch_all', 'catch_all'],
  ['invalid', 'invalid'],
]);

function buildCall(path: string, bodyOf: (question: Question) => object) {
  return (questions: readonly AskedQuestion[], key: string): ProviderRequest => {
    const [asked] = questions;
    if (!asked) throw new Error('A call needs a question');
    return { method: 'POST', path, headers: { 'x-api-key': key }, body: bodyOf(asked.question) };
  };
}

function emailBody(question: Question): object {
  switch (question.form) {
    case 'name_domain':
      return { first_name: question.firstName, last_name: question.lastName, domain: question.domain };
    case 'name_company':
      return { first_name: question.firstName, last_name: question.lastName, company_name: question.company };
    case 'linkedin':
    case 'email':
      throw new Error(`LeadMagic does not find an address by ${question.form}`);
  }
}

function mobileBody(question: Question): object {
  switch (question.form) {
    case 'linkedin':
      return { profile_url: question.linkedinUrl };
    case 'email':
      return { work_email: question.email };
    case 'name_domain':
    case 'name_company':
      throw new Error(`LeadMagic does not find a number by ${question.form}`);
  }
}

/** Reads a finder's answer, whose value stands under `name`. */
function readFinder(
  name: string,
  priceCredits: number,
  candidateOf: (json: unknown, question: Question) => Candidate | null,
) {
  return (response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult => {
    const { status, json } = response;
    const [asked] = questions;
    if (status === 404 && isOwnMiss(json)) return answerAll(questions, { outcome: 'miss', costCredits: 0 });
    if (status === 451)
      return answerAll(questions, { outcome: 'restricted', reason: 'LeadMagic may not tell' });
    if (status !== 200) return failure(failureKindOfStatus(status), response);
    if (!asked || !isReadable(property(json, name))) return unreadable(response);
    const value = property(json, name);
    const cost = typeof value === 'string' && value ? priceCredits : 0;
    const statedCredits = readCost(property(json, 'credits_consumed'));
    return answerAll(questions, answerOf(candidateOf(json, asked.question), cost), statedCredits);
  };
}

/** An older API says "nothing found" by 404; a gateway that knows no such path has none of these names. */
function isOwnMiss(json: unknown): boolean {
  return (
    hasProperty(json, 'credits_consumed') || hasProperty(json, 'email') || hasProperty(json, 'mobile_number')
  );
}

const readEmail = readFinder('email', EMAIL_CREDITS, (json, question) =>
  emailCandidate(property(json, 'email'), question, {
    verdict: VERDICTS.get(property(json, 'status')) ?? 'unknown',
  }),
);

/** A number is not said to be verified. */
const readMobile = readFinder('mobile_number', MOBILE_CREDITS, (json) =>
  phoneCandidate(property(json, 'mobile_number'), { verdict: 'unknown' }),
);

export const leadmagic: Adapter = {
  name: 'leadmagic',
  defaults: {
    baseUrl: 'https://api.leadmagic.io',
    keyEnv: 'LEADMAGIC_API_KEY',
    // For each endpoint half of what the account may have; its pages name no less for either. Spread over the minute.
    limits: [
      { unit: 'calls', amount: 40, perSeconds: 1 },
      { unit: 'calls', amount: 2500, perSeconds: 60 },
    ],
    concurrent: 50,
    timeoutSeconds: 30,
    maxWaitSeconds: 60,
  },
  // Its limits are by the minute.
  rateHeaders: [
    {
      perSeconds: 60,
      unit: 'calls',
      limit: 'ratelimit-limit',
      remaining: 'ratelimit-remaining',
      reset: 'ratelimit-reset',
    },
  ],
  fields: {
    emails: {
      forms: ['name_domain', 'name_company'],
      maxQuestionsPerCall: 1,
      maxCostCredits: EMAIL_CREDITS,
      endpoint: 'email-finder',
      buildRequest: buildCall('/v1/people/email-finder', emailBody),
      readResponse: readEmail,
    },
    phones: {
      forms: ['linkedin', 'email'],
      maxQuestionsPerCall: 1,
      maxCostCredits: MOBILE_CREDITS,
      endpoint: 'mobile-finder',
      buildRequest: buildCall('/v1/people/mobile-finder', mobileBody),
      readResponse: readMobile,
    },
  },
};
