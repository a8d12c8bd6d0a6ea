/**
 * Lusha v3: addresses and numbers, up to 100 people a call, matched by our reference.
 * Source: https://docs.lusha.com/apis/openapi/search-and-enrich/searchandenrichcontacts
 */
import type { Field } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type { Adapter, AskedQuestion, FieldContract, ProviderRequest } from './adapter';
import { readLusha } from './lusha-response';

/** Unknown properties are rejected: nothing but these. */
function buildRequest(field: Field, questions: readonly AskedQuestion[], key: string): ProviderRequest {
  return {
    method: 'POST',
    path: '/v3/contacts/search-and-enrich',
    headers: { api_key: key },
    body: {
      contacts: questions.map(({ id, question }) => ({ clientReferenceId: id, ...identifiersOf(question) })),
      // Each revealed field is billed.
      reveal: [field],
    },
  };
}

function identifiersOf(question: Question): Record<string, string> {
  switch (question.form) {
    case 'name_domain':
      return { firstName: question.firstName, lastName: question.lastName, companyDomain: question.domain };
    case 'name_company':
      return { firstName: question.firstName, lastName: question.lastName, companyName: question.company };
    case 'linkedin':
      return { linkedinUrl: question.linkedinUrl };
    case 'email':
      return { email: question.email };
  }
}

/** A search and a reveal, of which its pages give no price by plan: what it states counts. */
const MAX_COST_CREDITS: Readonly<Record<Field, number>> = { emails: 2, phones: 6 };

function contract(field: Field, forms: FieldContract['forms']): FieldContract {
  return {
    forms,
    maxQuestionsPerCall: 100,
    maxCostCredits: MAX_COST_CREDITS[field],
    buildRequest: (questions, key) => buildRequest(field, questions, key),
    readResponse: (response, questions) => readLusha(field, response, questions),
  };
}

export const lusha: Adapter = {
  name: 'lusha',
  defaults: {
    baseUrl: 'https://api.lusha.com',
    keyEnv: 'LUSHA_API_KEY',
    // Of its smallest plans.
    limits: [{ unit: 'calls', amount: 40, perSeconds: 60 }],
    concurrent: 5,
    timeoutSeconds: 60,
    maxWaitSeconds: 60,
  },
  rateHeaders: [
    { perSeconds: 60, unit: 'calls', limit: 'x-rate-limit-minute', remaining: 'x-minute-requests-left' },
    { perSeconds: 3600, unit: 'calls', limit: 'x-rate-limit-hourly', remaining: 'x-hourly-requests-left' },
    { perSeconds: 86_400, unit: 'calls', limit: 'x-rate-limit-daily', remaining: 'x-daily-requests-left' },
  ],
  fields: {
    emails: contract('emails', ['linkedin', 'name_domain', 'name_company']),
    phones: contract('phones', ['linkedin', 'email', 'name_domain', 'name_company']),
  },
};
