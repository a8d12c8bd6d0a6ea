/** LeadMagic's e-mail and mobile finders. Source: https://github.com/LeadMagic/leadmagic-openapi */
import {
  type Asked,
  type Call,
  fieldsOf,
  type ProviderContract,
  type Reply,
  type Subject,
  textOf,
} from './contract';
import { subjectByEmail, subjectByLinkedin, subjectByName } from './subjects';
import type { Finding } from './truth';

const EMAIL_PATH = '/v1/people/email-finder';
const MOBILE_PATH = '/v1/people/mobile-finder';

/** RFC 9457. */
function refuse(status: number, code: string, detail: string, headers: Record<string, string> = {}): Reply {
  const body = { type: `https://docs.leadmagic.io/errors/${code}`, title: code, status, detail, code };
  return { status, body, headers: { 'content-type': 'application/problem+json', ...headers } };
}

function read(call: Call, creditsLeft: number): Asked | Reply {
  if (call.method === 'GET' && call.path === '/v1/credits')
    return { status: 200, body: { credits: creditsLeft } };
  if (call.method !== 'POST' || (call.path !== EMAIL_PATH && call.path !== MOBILE_PATH)) {
    return refuse(404, 'not_found', 'There is no such endpoint.');
  }
  const fields = fieldsOf(call.body);
  const isMobile = call.path === MOBILE_PATH;
  const subject = isMobile ? mobileSubject(fields) : emailSubject(fields);
  if (!subject) return refuse(400, 'invalid_request', 'The request lacks what the person is found by.');
  return {
    subjects: [subject],
    priceOf: (finding) => priceOf(finding),
    write: ([found]) => {
      if (!found || found.finding.kind === 'restricted')
        return refuse(451, 'restricted', 'This person may not be enriched.');
      const credits = found.isFree ? 0 : priceOf(found.finding);
      return { status: 200, body: (isMobile ? writeMobile : writeEmail)(found.finding, credits, fields) };
    },
  };
}

function priceOf(finding: Finding): number {
  if (finding.kind === 'phone') return 5;
  return finding.kind === 'email' ? 1 : 0;
}

function emailSubject(fields: Readonly<Record<string, unknown>>): Subject | null {
  const names = (textOf(fields['full_name']) ?? '').split(/\s+/);
  const firstName = textOf(fields['first_name']) ?? names[0];
  const lastName = textOf(fields['last_name']) ?? names.slice(1).join(' ');
  if (!firstName || !lastName) return null;
  return subjectByName('email', {
    firstName,
    lastName,
    domain: textOf(fields['domain']),
    company: textOf(fields['company_name']),
  });
}

function mobileSubject(fields: Readonly<Record<string, unknown>>): Subject | null {
  const profile = textOf(fields['profile_url']);
  if (profile) return subjectByLinkedin('mobile', profile);
  const email = textOf(fields['work_email']) ?? textOf(fields['personal_email']);
  return email ? subjectByEmail('mobile', email) : null;
}

function writeEmail(finding: Finding, credits: number): object {
  const isFound = finding.kind === 'email';
  return {
    email: isFound ? finding.email : null,
    status: isFound ? (finding.status === 'accept_all' ? 'catch_all' : finding.status) : 'not_found',
    credits_consumed: credits,
    message: isFound ? 'Email found.' : 'Email not found.',
    employment_verified: isFound,
    has_mx: true,
    mx_provider: null,
  };
}

/** Numbers come as they are written at home or abroad, with dashes. */
function writeMobile(finding: Finding, credits: number, fields: Readonly<Record<string, unknown>>): object {
  const isFound = finding.kind === 'phone';
  const written = isFound
    ? finding.phone.number.replace(/^(\+\d{1,2}?)(\d{3})(\d{3})(\d+)$/, '$1-$2-$3-$4')
    : null;
  return {
    profile_url: fields['profile_url'] ?? null,
    mobile_number: isFound && finding.isMasked ? `${finding.phone.number.slice(0, 6)}*****` : written,
    credits_consumed: credits,
    message: isFound ? 'Mobile number found.' : 'Mobile number not found.',
  };
}

export const leadmagic: ProviderContract = {
  name: 'leadmagic',
  coverage: { email: 0.6, mobile: 0.45 },
  maskedShare: 0.01,
  limits: [
    { unit: 'calls', amount: 5000, perSeconds: 60 },
    { unit: 'calls', amount: 3000, perSeconds: 60, path: MOBILE_PATH },
  ],
  keyOf: (call) => textOf(call.headers['x-api-key']),
  read,
  badKey: () => refuse(401, 'unauthorized', 'The API key is not valid.'),
  tooFast: (retryAfterSeconds) =>
    refuse(429, 'rate_limited', 'Too many requests.', { 'retry-after': String(retryAfterSeconds) }),
  noCredit: () => refuse(402, 'insufficient_credits', 'There are not enough credits.'),
  brokenInside: () => refuse(500, 'internal_error', 'Something went wrong on our side.'),
  limitHeaders(uses) {
    const [tightest] = [...uses].sort((a, b) => a.left - b.left);
    if (!tightest) return {};
    return {
      'ratelimit-limit': String(tightest.limit.amount),
      'ratelimit-remaining': String(tightest.left),
      'ratelimit-reset': String(tightest.resetSeconds),
    };
  },
};
