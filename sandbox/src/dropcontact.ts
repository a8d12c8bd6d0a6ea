/**
 * Dropcontact's batches: handed in, then fetched. The first fetch comes too early, the second gets the results. Source:
 * https://developer.dropcontact.com/en/reference
 */
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
import type { Finding } from './truth';

const PATH = '/v1/enrich/all';
const MAX_ROWS = 250;
/** The provider says thirty seconds, and only in words: nobody is to wait that long here. */
const FIRST_POLL = { 'retry-after': '4' };
const NEXT_POLL = { 'retry-after': '1' };

interface Row {
  customFields: unknown;
  subject: Subject | null;
}

interface Job {
  rows: object[];
  polls: number;
}

function refuse(status: number, reason: string): Reply {
  return { status, body: { error: true, success: false, reason } };
}

function read(call: Call, _creditsLeft: number, jobs: Jobs): Asked | Reply {
  if (call.method === 'POST' && call.path === PATH) return readSubmission(call, jobs);
  const id = call.path.startsWith(`${PATH}/`) ? call.path.slice(PATH.length + 1) : null;
  const job = id === null ? undefined : (jobs.get(id) as Job | undefined);
  if (call.method !== 'GET' || !job) return { status: 404, body: { detail: 'Not found' } };
  return { subjects: [], priceOf: () => 0, write: () => writeJob(job) };
}

function readSubmission(call: Call, jobs: Jobs): Asked | Reply {
  const { data } = fieldsOf(call.body);
  if (!Array.isArray(data) || data.length === 0 || data.length > MAX_ROWS) {
    return refuse(400, 'data must hold 1 to 250 contacts');
  }
  const rows = data.map((row): Row => {
    const fields = fieldsOf(row);
    return { customFields: fields['custom_fields'], subject: subjectOf(fields) };
  });
  return {
    subjects: rows.flatMap(({ subject }) => subject ?? []),
    // Given back at once where nothing is found.
    priceOf: (finding) => (finding.kind === 'email' ? 1 : 0),
    write: (found, creditsLeft) => takeIn(rows, found, creditsLeft, jobs),
  };
}

function subjectOf(fields: Readonly<Record<string, unknown>>): Subject | null {
  const email = textOf(fields['email']);
  if (email) return subjectByEmail('email', email);
  const linkedin = textOf(fields['linkedin']);
  if (linkedin) return subjectByLinkedin('email', linkedin);
  const [firstName, lastName] = [textOf(fields['first_name']), textOf(fields['last_name'])];
  if (!firstName || !lastName) return null;
  const [domain, company] = [textOf(fields['website']), textOf(fields['company'])];
  return subjectByName('email', { firstName, lastName, domain, company });
}

function takeIn(rows: readonly Row[], found: readonly Found[], creditsLeft: number, jobs: Jobs): Reply {
  const answered = found[Symbol.iterator]();
  const written = rows.map(({ customFields, subject }) => {
    const finding = subject ? answered.next().value?.finding : undefined;
    return { ...writeRow(finding), custom_fields: customFields };
  });
  const requestId = `dc_${jobs.size + 1}`;
  // Not in the order asked: nobody may count on it.
  jobs.set(requestId, { rows: written.reverse(), polls: 0 } satisfies Job);
  const body = { credits_left: creditsLeft, request_id: requestId, error: false, success: true };
  return { status: 200, body, headers: FIRST_POLL };
}

function writeRow(finding: Finding | undefined): object {
  if (finding?.kind === 'restricted')
    return { email: [{ email: 'x@hidden.example', qualification: 'Do_Not_Contact' }] };
  if (finding?.kind !== 'email') return {};
  const { email, status } = finding;
  const qualification = {
    valid: 'nominative@pro',
    accept_all: 'catch-all@pro',
    unknown: 'generic@pro',
    invalid: 'invalid',
  }[status];
  return { email: [{ email, qualification }] };
}

function writeJob(job: Job): Reply {
  job.polls++;
  if (job.polls > 1) return { status: 200, body: { error: false, success: true, data: job.rows } };
  const reason = 'Request not ready yet, try again in 30 seconds';
  return { status: 200, body: { error: false, success: false, reason }, headers: NEXT_POLL };
}

export const dropcontact: ProviderContract = {
  name: 'dropcontact',
  coverage: { email: 0.6, mobile: 0 },
  limits: [{ unit: 'calls', amount: 60, perSeconds: 1 }],
  keyOf: (call) => textOf(call.headers['x-access-token']),
  read,
  badKey: () => refuse(401, 'Invalid access token'),
  tooFast: () => ({ status: 429, body: { detail: 'Too many requests' } }),
  noCredit: () => refuse(403, 'Not enough credits'),
  brokenInside: () => ({ status: 500, body: { detail: 'Internal server error' } }),
};
