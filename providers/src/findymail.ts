/**
 * Findymail: e-mail and phone finder, one person a call. It gives verified addresses only, and no numbers of people in
 * the EU.
 * Source: https://app.findymail.com/docs
 */
import type { Candidate } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type { Adapter, AskedQuestion, CallResult, ProviderRequest, ProviderResponse } from './adapter';
import { answerOf, isReadable } from './answer';
import { answerAll, failure, failureKindOfStatus, unreadable } from './call-result';
import { emailCandidate, phoneCandidate } from './candidate';
import { items, property, propertyAt } from './reading';

/** Charged per value found; the response does not say. */
const EMAIL_CREDITS = 1;
const PHONE_CREDITS = 10;

/** "Nothing found" in words; a gateway that knows no such path speaks of routes, hosts and pages. */
const NOT_FOUND =
  /\b(contact|e-?mail|phone|number|person|profile)s?\b[^.]{0,40}\bfound\b|\bno (contact|e-?mail|phone)/i;

interface Finder {
  /** Where the value may stand: undefined where it stands nowhere. */
  valueOf(json: unknown): unknown;
  candidateOf(json: unknown, question: Question): Candidate | null;
  priceCredits: number;
}

const emailFinder: Finder = {
  valueOf: (json) => property(contactOf(json), 'email') ?? property(json, 'email') ?? emptyOf(json),
  candidateOf(json, question) {
    return emailCandidate(this.valueOf(json), question, { verdict: 'deliverable' });
  },
  priceCredits: EMAIL_CREDITS,
};

const phoneFinder: Finder = {
  valueOf(json) {
    const [first] = items(property(json, 'phones'));
    const inList = typeof first === 'string' ? first : property(first, 'phone');
    return (
      property(json, 'phone') ??
      property(contactOf(json), 'phone') ??
      inList ??
      emptyOf(json, 'phone', 'phones')
    );
  },
  candidateOf(json) {
    const lineType = property(json, 'line_type') ?? property(contactOf(json), 'line_type');
    return phoneCandidate(this.valueOf(json), { verdict: 'unknown', lineType });
  },
  priceCredits: PHONE_CREDITS,
};

/** Sources differ on the wrapper. */
function contactOf(json: unknown): unknown {
  return property(json, 'contact') ?? propertyAt(json, 'payload', 'contact');
}

/** Null where the answer is one of Findymail's without a value; undefined where it is none of its answers. */
function emptyOf(json: unknown, ...names: readonly string[]): null | undefined {
  const wrappers = ['contact', 'payload', 'email', ...names].map((name) => property(json, name));
  return wrappers.some((part) => part !== undefined && typeof part !== 'string') ? null : undefined;
}

function buildCall(
  questions: readonly AskedQuestion[],
  key: string,
  callOf: (question: Question) => Call,
): ProviderRequest {
  const [asked] = questions;
  if (!asked) throw new Error('A call needs a question');
  return { method: 'POST', headers: { authorization: `Bearer ${key}` }, ...callOf(asked.question) };
}

type Call = Pick<ProviderRequest, 'path' | 'body'>;

function emailCall(question: Question): Call {
  switch (question.form) {
    case 'name_domain':
      return searchByName(question, question.domain);
    case 'name_company':
      return searchByName(question, question.company);
    case 'linkedin':
      return { path: '/api/search/business-profile', body: { linkedin_url: question.linkedinUrl } };
    case 'email':
      throw new Error('Findymail does not find an address by an address');
  }
}

/** `domain` takes a company's name as well. */
function searchByName(name: { firstName: string; lastName: string }, domain: string): Call {
  return { path: '/api/search/name', body: { name: `${name.firstName} ${name.lastName}`, domain } };
}

function phoneCall(question: Question): Call {
  if (question.form !== 'linkedin') throw new Error(`Findymail does not find a number by ${question.form}`);
  return { path: '/api/search/phone', body: { linkedin_url: question.linkedinUrl } };
}

function readFinder(
  finder: Finder,
  response: ProviderResponse,
  questions: readonly AskedQuestion[],
): CallResult {
  const { status, json } = response;
  const said = saidOf(json);
  if (/credit/i.test(said) && status < 500) return failure('no_credit', response);
  const isMiss = (status === 404 || status === 200) && NOT_FOUND.test(said);
  if (isMiss || (status === 404 && finder.valueOf(json) === null)) {
    return answerAll(questions, { outcome: 'miss', costCredits: 0 });
  }
  // 423: the subscription is paused.
  if (status === 423) return failure('no_credit', response);
  if (status !== 200) return failure(failureKindOfStatus(status), response);
  const value = finder.valueOf(json);
  const [asked] = questions;
  if (!asked || said || !isReadable(value)) return unreadable(response);
  const cost = typeof value === 'string' && value ? finder.priceCredits : 0;
  return answerAll(questions, answerOf(finder.candidateOf(json, asked.question), cost));
}

/** What it complains of, also under a 200: `{"error":"Not enough credits"}`. */
function saidOf(json: unknown): string {
  const error = property(json, 'error') ?? property(json, 'message');
  return typeof error === 'string' ? error.slice(0, 500) : '';
}

export const findymail: Adapter = {
  name: 'findymail',
  defaults: {
    baseUrl: 'https://app.findymail.com',
    keyEnv: 'FINDYMAIL_API_KEY',
    // It limits calls in flight only: 300, and 30 of those by profile.
    limits: [],
    concurrent: 30,
    timeoutSeconds: 60,
    maxWaitSeconds: 60,
  },
  fields: {
    emails: {
      forms: ['name_domain', 'linkedin', 'name_company'],
      maxQuestionsPerCall: 1,
      maxCostCredits: EMAIL_CREDITS,
      buildRequest: (questions, key) => buildCall(questions, key, emailCall),
      readResponse: (response, questions) => readFinder(emailFinder, response, questions),
    },
    phones: {
      forms: ['linkedin'],
      maxQuestionsPerCall: 1,
      maxCostCredits: PHONE_CREDITS,
      buildRequest: (questions, key) => buildCall(questions, key, phoneCall),
      readResponse: (response, questions) => readFinder(phoneFinder, response, questions),
    },
  },
};
