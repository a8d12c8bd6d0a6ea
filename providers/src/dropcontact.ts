/**
 * Dropcontact: e-mail addresses, up to 250 people a submission, polled for. Order is not promised: our id travels along.
 * Source: https://developer.dropcontact.com/en/reference and https://developer.dropcontact.com/en/errors
 */
import type { Candidate, Verdict } from '@leadwell/shared/domain/enrichment';
import type { Question } from '@leadwell/shared/domain/question';
import type {
  Adapter,
  Answer,
  AskedQuestion,
  PollResult,
  ProviderRequest,
  ProviderResponse,
  SubmitResult,
} from './adapter';
import { answerOfAll } from './answer';
import { failure, failureKindOfStatus, type FailureKind, unreadable } from './call-result';
import { emailCandidate } from './candidate';
import { hasProperty, items, property, propertyAt } from './reading';
import { readRetryAfter } from './retry-after';

/** Taken at submission, and given back where no address is found. */
const PRICE_CREDITS = 1;
const JOB_ID = /^[A-Za-z0-9_-]{1,200}$/;

function buildSubmit(questions: readonly AskedQuestion[], key: string): ProviderRequest {
  return {
    method: 'POST',
    path: '/v1/enrich/all',
    headers: { 'x-access-token': key },
    body: {
      data: questions.map(({ id, question }) => ({ ...rowOf(question), custom_fields: { id } })),
      siren: false,
      // What is said of an address comes in this language.
      language: 'en',
    },
  };
}

function rowOf(question: Question): Record<string, string> {
  switch (question.form) {
    case 'name_domain':
      return { first_name: question.firstName, last_name: question.lastName, website: question.domain };
    case 'name_company':
      return { first_name: question.firstName, last_name: question.lastName, company: question.company };
    case 'linkedin':
      return { linkedin: question.linkedinUrl };
    case 'email':
      throw new Error('Dropcontact charges for verifying an address that it is given');
  }
}

/** 403: too few credits for the whole of it. */
function kindOf(status: number): FailureKind {
  return status === 403 ? 'no_credit' : failureKindOfStatus(status);
}

function readSubmit(response: ProviderResponse, questions: readonly AskedQuestion[]): SubmitResult {
  const { status, json, headers } = response;
  if (status !== 200) return failure(kindOf(status), response);
  const job = property(json, 'request_id');
  const isTaken = property(json, 'success') === true && typeof job === 'string' && JOB_ID.test(job);
  if (!isTaken) return unreadable(response);
  const externalIds = new Map(questions.map(({ id }) => [id, job]));
  return { kind: 'submitted', externalIds, answers: new Map(), retryAfterSeconds: readRetryAfter(headers) };
}

function buildPoll(jobId: string, key: string): ProviderRequest {
  return { method: 'GET', path: `/v1/enrich/all/${jobId}`, headers: { 'x-access-token': key } };
}

function readPoll(response: ProviderResponse, questions: readonly AskedQuestion[]): PollResult {
  const { status, json, headers } = response;
  // Its own 404, of a job it no longer has; a proxy's has no such name.
  if (status === 404 && hasProperty(json, 'detail')) return failure('bad_input', response);
  if (status !== 200) return failure(kindOf(status), response);
  const isPending = property(json, 'success') === false && property(json, 'error') !== true;
  if (isPending) return { kind: 'pending', retryAfterSeconds: readRetryAfter(headers) };
  if (property(json, 'success') !== true) return unreadable(response);
  const answers = new Map<string, Answer>();
  for (const row of items(property(json, 'data'))) {
    const id = propertyAt(row, 'custom_fields', 'id');
    const asked = questions.find((question) => question.id === id);
    const answer = asked && !answers.has(asked.id) ? readRow(row, asked.question) : null;
    if (asked && answer) answers.set(asked.id, answer);
  }
  return answers.size === 0 ? unreadable(response) : { kind: 'answers', answers };
}

/** A row holds only what was found. Null: unreadable. */
function readRow(row: unknown, question: Question): Answer | null {
  const listed = property(row, 'email') ?? null;
  if (listed === null) return { outcome: 'miss', costCredits: 0 };
  if (!Array.isArray(listed)) return null;
  if (listed.length === 0) return { outcome: 'miss', costCredits: 0 };
  if (listed.some((item) => /^do[_ -]?not[_ -]?contact/i.test(qualificationOf(item)))) {
    return { outcome: 'restricted', reason: 'Dropcontact says not to contact this person' };
  }
  const readable = listed.filter((item) => typeof property(item, 'email') === 'string');
  if (readable.length === 0) return null;
  return answerOfAll(
    readable.map((item) => candidateOf(item, question)),
    PRICE_CREDITS,
  );
}

function candidateOf(item: unknown, question: Question): Candidate | null {
  return emailCandidate(property(item, 'email'), question, readQualification(qualificationOf(item)));
}

function qualificationOf(item: unknown): string {
  const said = property(item, 'qualification');
  return typeof said === 'string' ? said.slice(0, 100).toLowerCase() : '';
}

const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  ['nominative', 'deliverable'],
  ['catch-all', 'catch_all'],
  ['catch_all', 'catch_all'],
  ['generic', 'risky'],
  ['invalid', 'invalid'],
]);

/** `nominative@pro`: what kind of address, and whose. */
function readQualification(said: string): { verdict: Verdict; flags: string[] } {
  const [kind = '', owner] = said.split('@');
  const flags = [...(kind === 'generic' ? ['role'] : []), ...(owner === 'perso' ? ['personal'] : [])];
  return { verdict: VERDICTS.get(kind) ?? 'unknown', flags };
}

export const dropcontact: Adapter = {
  name: 'dropcontact',
  defaults: {
    baseUrl: 'https://api.dropcontact.com',
    keyEnv: 'DROPCONTACT_API_KEY',
    limits: [{ unit: 'calls', amount: 60, perSeconds: 1 }],
    concurrent: 10,
    timeoutSeconds: 60,
    maxWaitSeconds: 60,
  },
  fields: {
    emails: {
      forms: ['name_domain', 'linkedin', 'name_company'],
      maxQuestionsPerCall: 250,
      maxCostCredits: PRICE_CREDITS,
      pollSeconds: 30,
      buildSubmit,
      readSubmit,
      buildPoll,
      readPoll,
    },
  },
};
