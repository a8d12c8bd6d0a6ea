/** People Data Labs' bulk enrichment. Source: https://docs.peopledatalabs.com/docs/bulk-enrichment-api */
import {
  type Asked,
  type Call,
  fieldsOf,
  type Found,
  type ProviderContract,
  type Reply,
  type Subject,
  textOf,
} from './contract';
import { subjectByEmail, subjectByLinkedin, subjectByName } from './subjects';
import type { Finding } from './truth';

const PATH = '/v5/person/bulk';
const MAX_REQUESTS = 100;
const FIELD_OF_REQUIRED: Readonly<Record<string, Subject['field']>> = {
  work_email: 'email',
  mobile_phone: 'mobile',
};

function refuse(status: number, type: string, message: string): Reply {
  return { status, body: { status, error: { type, message } } };
}

interface Item {
  metadata: unknown;
  subject: Subject | null;
}

function read(call: Call): Asked | Reply {
  if (call.method !== 'POST' || call.path !== PATH) return refuse(404, 'not_found', 'No such endpoint.');
  const { requests, required } = fieldsOf(call.body);
  // Without `required` every match would be billed: here nobody asks like that.
  const field = FIELD_OF_REQUIRED[textOf(required) ?? ''];
  if (!field || !Array.isArray(requests) || requests.length === 0 || requests.length > MAX_REQUESTS) {
    return refuse(400, 'invalid_request_error', 'The request was invalid.');
  }
  const asked: Item[] = requests.map((request) => {
    const { metadata, params } = fieldsOf(request);
    return { metadata, subject: subjectOf(field, fieldsOf(params)) };
  });
  return {
    subjects: asked.flatMap(({ subject }) => subject ?? []),
    priceOf: (finding) => (isMatch(finding) ? 1 : 0),
    write: (found) => ({
      status: 200,
      body: writeItems(asked, found),
      headers: { 'x-call-credits-spent': String(countBilled(found)) },
    }),
  };
}

function subjectOf(field: Subject['field'], params: Readonly<Record<string, unknown>>): Subject | null {
  const profile = textOf(params['profile']);
  if (profile) return subjectByLinkedin(field, profile);
  const email = textOf(params['email']);
  if (email) return subjectByEmail(field, email);
  const [firstName, lastName] = [textOf(params['first_name']), textOf(params['last_name'])];
  const place = textOf(params['company']);
  if (!firstName || !lastName || !place) return null;
  const where = /^\S+\.\S+$/.test(place) ? { domain: place } : { company: place };
  return subjectByName(field, { firstName, lastName, ...where });
}

/** A match holds what was required; a plan that hides it says so by true. */
function isMatch(finding: Finding): boolean {
  return finding.kind === 'email' || finding.kind === 'phone';
}

function countBilled(found: readonly Found[]): number {
  return found.filter(({ finding, isFree }) => isMatch(finding) && !isFree).length;
}

function writeItems(asked: readonly Item[], found: readonly Found[]): object[] {
  const answered = found[Symbol.iterator]();
  return asked.map(({ metadata, subject }) => {
    if (!subject)
      return { ...bodyOf(refuse(400, 'invalid_request_error', 'The request was invalid.')), metadata };
    const of = answered.next().value;
    if (!of || !isMatch(of.finding))
      return { ...bodyOf(refuse(404, 'not_found', 'No records were found.')), metadata };
    return { status: 200, likelihood: 8, data: writePerson(subject, of.finding), metadata };
  });
}

function bodyOf(reply: Reply): object {
  return fieldsOf(reply.body);
}

function writePerson(subject: Subject, finding: Finding): object {
  const isMasked = 'isMasked' in finding && finding.isMasked;
  return {
    full_name: `${subject.firstName} ${subject.lastName}`.toLowerCase(),
    work_email: finding.kind === 'email' ? isMasked || finding.email : null,
    mobile_phone: finding.kind === 'phone' ? isMasked || finding.phone.number : null,
    personal_emails: [],
    phone_numbers: [],
  };
}

export const peopledatalabs: ProviderContract = {
  name: 'peopledatalabs',
  coverage: { email: 0.45, mobile: 0.35 },
  maskedShare: 0.02,
  limits: [{ unit: 'calls', amount: 100, perSeconds: 60 }],
  keyOf: (call) => textOf(call.headers['x-api-key']),
  read,
  badKey: () => refuse(401, 'authentication_error', 'Request contained a missing or invalid key'),
  tooFast: () =>
    refuse(429, 'rate_limit_error', 'An error occurred due to requests hitting the API too quick'),
  noCredit: () => refuse(402, 'payment_required', 'You have reached your monthly limit.'),
  brokenInside: () => refuse(500, 'api_error', 'The server encountered an unexpected condition.'),
  limitHeaders(uses) {
    const [minute] = uses;
    if (!minute) return {};
    // As a Python dictionary is printed, and not as JSON.
    const write = (amount: number): string => `{'minute': ${amount}, 'day': None, 'month': None}`;
    return {
      'x-ratelimit-limit': write(minute.limit.amount),
      'x-ratelimit-remaining': write(minute.left),
      'x-ratelimit-reset': new Date(Date.now() + minute.resetSeconds * 1000).toISOString(),
    };
  },
};
