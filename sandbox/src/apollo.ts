/**
 * Apollo's bulk match; numbers are handed in with it and fetched later, see apollo-phones.ts. Source:
 * https://docs.apollo.io/reference/bulk-people-enrichment
 */
import { isRevealing, personIdOf, RESULT_PATH, readPoll, takeIn } from './apollo-phones';
import {
  type Asked,
  type Call,
  fieldsOf,
  type Found,
  type Jobs,
  type ProviderContract,
  type Reply,
  type Subject,
  textOf,
} from './contract';
import { subjectByEmail, subjectByLinkedin, subjectByName } from './subjects';
import type { EmailStatus, Finding } from './truth';

const PATH = '/api/v1/people/bulk_match';
const MAX_DETAILS = 10;

function refuse(status: number, error: string): Reply {
  return { status, body: { error } };
}

function read(call: Call, _creditsLeft: number, jobs: Jobs): Asked | Reply {
  if (call.method === 'GET' && call.path.startsWith(RESULT_PATH)) return readPoll(call, jobs);
  if (call.method !== 'POST' || call.path !== PATH) return refuse(404, 'Not found');
  const { details } = fieldsOf(call.body);
  if (!Array.isArray(details) || details.length === 0 || details.length > MAX_DETAILS) {
    return refuse(422, 'details must hold 1 to 10 people');
  }
  const isPhones = call.query.get('reveal_phone_number') === 'true';
  if (isPhones && !isRevealing(call)) return refuse(400, 'Please add a valid webhook_url or poll_only=true');
  const subjects = details.map((detail) => subjectOf(isPhones ? 'mobile' : 'email', fieldsOf(detail)));
  return {
    subjects: subjects.flatMap((subject) => subject ?? []),
    priceOf,
    write: (found) => (isPhones ? takeIn(subjects, found, jobs) : writeMatches(subjects, found)),
  };
}

function subjectOf(field: Subject['field'], fields: Readonly<Record<string, unknown>>): Subject | null {
  const linkedin = textOf(fields['linkedin_url']);
  if (linkedin) return subjectByLinkedin(field, linkedin);
  const email = textOf(fields['email']);
  if (email) return subjectByEmail(field, email);
  const [firstName, lastName] = [textOf(fields['first_name']), textOf(fields['last_name'])];
  if (!firstName || !lastName) return null;
  const [domain, company] = [textOf(fields['domain']), textOf(fields['organization_name'])];
  return subjectByName(field, { firstName, lastName, domain, company });
}

function priceOf(finding: Finding): number {
  if (finding.kind === 'phone') return 9;
  return finding.kind === 'email' ? 1 : 0;
}

/** By position: null where nobody was matched. */
function writeMatches(subjects: readonly (Subject | null)[], found: readonly Found[]): Reply {
  const answered = found[Symbol.iterator]();
  const matches = subjects.map((subject) => {
    const finding = subject ? answered.next().value?.finding : undefined;
    return subject && finding?.kind === 'email' ? writePerson(subject, finding) : null;
  });
  const matched = matches.filter((person) => person !== null).length;
  const body = {
    status: 'success',
    error_code: null,
    error_message: null,
    total_requested_enrichments: subjects.length,
    unique_enriched_records: matched,
    missing_records: subjects.length - matched,
    credits_consumed: found.reduce((sum, { finding, isFree }) => sum + (isFree ? 0 : priceOf(finding)), 0),
    matches,
  };
  return { status: 200, body };
}

const STATUS: Readonly<Record<EmailStatus, string>> = {
  valid: 'verified',
  accept_all: 'extrapolated',
  unknown: 'guessed',
  invalid: 'bounced',
};

function writePerson(subject: Subject, finding: Extract<Finding, { kind: 'email' }>): object {
  return {
    id: personIdOf(subject),
    first_name: subject.firstName,
    last_name: subject.lastName,
    name: `${subject.firstName} ${subject.lastName}`,
    email: finding.isMasked ? 'email_not_unlocked@domain.com' : finding.email,
    email_status: finding.isMasked ? 'unavailable' : STATUS[finding.status],
  };
}

export const apollo: ProviderContract = {
  name: 'apollo',
  coverage: { email: 0.6, mobile: 0.45 },
  maskedShare: 0.03,
  limits: [PATH, RESULT_PATH].flatMap((path) => [
    { unit: 'calls', amount: 20, perSeconds: 60, path },
    { unit: 'calls', amount: 200, perSeconds: 3600, path },
    { unit: 'calls', amount: 600, perSeconds: 86_400, path },
  ]),
  keyOf: (call) => textOf(call.headers['x-api-key']),
  read,
  badKey: () => refuse(401, 'Invalid access credentials.'),
  tooFast: (retryAfterSeconds) => ({
    ...refuse(429, 'The maximum number of api calls allowed has been exceeded.'),
    headers: { 'retry-after': String(retryAfterSeconds) },
  }),
  noCredit: () => refuse(422, 'Insufficient credits'),
  brokenInside: () => refuse(500, 'Internal server error'),
  limitHeaders(uses) {
    const names = new Map([
      [60, 'minute'],
      [3600, 'hourly'],
      [86_400, '24-hour'],
    ]);
    return Object.fromEntries(
      uses.flatMap(({ limit, left }) => {
        const name = names.get(limit.perSeconds);
        return [
          [`x-rate-limit-${name}`, String(limit.amount)],
          [`x-${name}-usage`, String(limit.amount - left)],
          [`x-${name}-requests-left`, String(left)],
        ];
      }),
    );
  },
};
