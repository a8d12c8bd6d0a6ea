/** Hunter's e-mail finder. Source: https://hunter.io/api-documentation/v2 */
import {
  type Asked,
  type Call,
  type Found,
  type ProviderContract,
  type Reply,
  type Subject,
  textOf,
} from './contract';
import { subjectByLinkedin, subjectByName } from './subjects';

function refuse(status: number, id: string, details: string): Reply {
  return { status, body: { errors: [{ id, code: status, details }] } };
}

function headerOf(call: Call, name: string): string | null {
  return textOf(call.headers[name]);
}

function read(call: Call): Asked | Reply {
  if (call.path !== '/v2/email-finder' || call.method !== 'GET') {
    return refuse(404, 'not_found', 'The requested resource does not exist.');
  }
  const subject = subjectOf(call.query);
  if (typeof subject === 'string') return refuse(400, 'wrong_params', subject);
  return {
    subjects: [subject],
    priceOf: (finding) => (finding.kind === 'email' ? 1 : 0),
    write: ([found]) => (found ? write(subject, found, call.query) : refuse(404, 'not_found', 'Not found.')),
  };
}

/** A subject, or what is wrong with the parameters. */
function subjectOf(query: URLSearchParams): Subject | string {
  const handle = query.get('linkedin_handle');
  if (handle) return subjectByLinkedin('email', handle) ?? 'The linkedin_handle is not valid.';
  const [domain, company] = [query.get('domain'), query.get('company')];
  if (!domain && !company) return 'You are missing the domain or the company parameter.';
  const names = (query.get('full_name') ?? '').trim().split(/\s+/);
  const firstName = query.get('first_name') || names[0];
  const lastName = query.get('last_name') || names.slice(1).join(' ');
  if (!firstName || !lastName)
    return 'You are missing the first_name and last_name, or the full_name parameter.';
  return subjectByName('email', { firstName, lastName, domain, company }) ?? 'The domain is not valid.';
}

function write(subject: Subject, { finding }: Found, query: URLSearchParams): Reply {
  if (finding.kind === 'restricted') {
    return refuse(451, 'claimed_email', 'The person asked us to stop processing their personal data.');
  }
  const isFound = finding.kind === 'email';
  const { firstName, lastName, domain } = subject;
  const data = {
    first_name: firstName,
    last_name: lastName,
    email: isFound ? finding.email : null,
    score: isFound ? finding.score : null,
    domain,
    accept_all: isFound && finding.status === 'accept_all',
    position: null,
    twitter: null,
    linkedin_url: null,
    phone_number: null,
    company: null,
    sources: [],
    verification: { date: isFound ? '2026-10-01' : null, status: isFound ? finding.status : null },
  };
  return { status: 200, body: { data, meta: { params: Object.fromEntries(query) } } };
}

export const hunter: ProviderContract = {
  name: 'hunter',
  coverage: { email: 0.69, mobile: 0 },
  limits: [
    { unit: 'calls', amount: 15, perSeconds: 1 },
    { unit: 'calls', amount: 500, perSeconds: 60 },
  ],
  keyOf(call) {
    const bearer = /^Bearer (\S+)$/.exec(headerOf(call, 'authorization') ?? '')?.[1];
    return headerOf(call, 'x-api-key') ?? bearer ?? call.query.get('api_key');
  },
  read,
  badKey: () => refuse(401, 'authentication_failed', 'No user found for the API key supplied.'),
  // Without Retry-After, and 403 rather than 429: that is how it says "too fast".
  tooFast: () => refuse(403, 'too_many_requests', 'You have reached the rate limit.'),
  noCredit: () =>
    refuse(429, 'too_many_requests', 'You have reached your usage limit. Upgrade your plan if necessary.'),
  brokenInside: () => refuse(500, 'server_error', 'Something went wrong on our side.'),
};
