/**
 * Prospeo: e-mail addresses and mobile numbers, up to 50 people a call.
 * Source: https://prospeo.io/api-docs/bulk-enrich-person and
 * https://help.prospeo.io/en/article/api-rate-limits-19vqf50
 */
import type { Candidate, Field, Verdict } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type { Adapter, AskedQuestion, FieldContract, ProviderRequest } from './adapter';
import { isReadable } from './answer';
import { emailCandidate, phoneCandidate } from './candidate';
import { readProspeo, type ReadPerson } from './prospeo-response';
import { property } from './reading';

function buildRequest(field: Field) {
  return (questions: readonly AskedQuestion[], key: string): ProviderRequest => ({
    method: 'POST',
    path: '/bulk-enrich-person',
    headers: { 'x-key': key },
    body: {
      only_verified_email: false,
      // Costs 10 instead of 1, and unmasks the number.
      enrich_mobile: field === 'phones',
      data: questions.map(({ id, question }) => ({ identifier: id, ...datapoints(question) })),
    },
  });
}

function datapoints(question: Question): Record<string, string> {
  switch (question.form) {
    case 'name_domain':
      return {
        first_name: question.firstName,
        last_name: question.lastName,
        company_website: question.domain,
      };
    case 'name_company':
      return { first_name: question.firstName, last_name: question.lastName, company_name: question.company };
    case 'linkedin':
      return { linkedin_url: question.linkedinUrl };
    case 'email':
      return { email: question.email };
  }
}

const readEmail: ReadPerson = (person, question) =>
  readShown(person, 'email', (email, verdict) =>
    emailCandidate(property(email, 'email'), question, { verdict }),
  );

const readMobile: ReadPerson = (person) =>
  readShown(person, 'mobile', (mobile, verdict) => {
    const country = property(mobile, 'mobile_country_code');
    const candidates = ['mobile_international', 'mobile', 'mobile_national'].map((name) =>
      phoneCandidate(property(mobile, name), { verdict, country }),
    );
    return candidates.find((candidate) => candidate !== null) ?? null;
  });

/** A datapoint, read only where `revealed` is true: otherwise what stands there is masked. */
function readShown(
  person: unknown,
  name: 'email' | 'mobile',
  read: (datapoint: unknown, verdict: Verdict) => Candidate | null,
): ReturnType<ReadPerson> {
  const datapoint = property(person, name) ?? null;
  if (datapoint === null) return null;
  if (!isReadable(property(datapoint, name)) || typeof property(datapoint, 'revealed') !== 'boolean') {
    return 'unreadable';
  }
  if (property(datapoint, 'revealed') === false) return null;
  return read(datapoint, property(datapoint, 'status') === 'VERIFIED' ? 'deliverable' : 'unknown');
}

/** Per match; a number includes the address. */
const PRICE_CREDITS: Readonly<Record<Field, number>> = { emails: 1, phones: 10 };

function contract(field: Field, forms: FieldContract['forms'], readPerson: ReadPerson): FieldContract {
  return {
    forms,
    maxQuestionsPerCall: 50,
    maxCostCredits: PRICE_CREDITS[field],
    buildRequest: buildRequest(field),
    readResponse: (response, questions) => readProspeo(response, questions, readPerson, PRICE_CREDITS[field]),
  };
}

export const prospeo: Adapter = {
  name: 'prospeo',
  defaults: {
    baseUrl: 'https://api.prospeo.io',
    keyEnv: 'PROSPEO_API_KEY',
    // Of its smallest paid plan. A bulk call counts once for each record in it.
    limits: [
      { unit: 'records', amount: 5, perSeconds: 1 },
      { unit: 'records', amount: 300, perSeconds: 60 },
      { unit: 'records', amount: 2000, perSeconds: 86_400 },
    ],
    concurrent: 5,
    timeoutSeconds: 60,
    maxWaitSeconds: 60,
  },
  rateHeaders: [
    { perSeconds: 1, unit: 'records', limit: 'x-second-rate-limit' },
    { perSeconds: 60, unit: 'records', remaining: 'x-minute-request-left', reset: 'x-minute-reset-seconds' },
    {
      perSeconds: 86_400,
      unit: 'records',
      remaining: 'x-daily-request-left',
      reset: 'x-daily-reset-seconds',
    },
  ],
  fields: {
    emails: contract('emails', ['name_domain', 'linkedin', 'name_company'], readEmail),
    phones: contract('phones', ['linkedin', 'name_domain', 'name_company', 'email'], readMobile),
  },
};
