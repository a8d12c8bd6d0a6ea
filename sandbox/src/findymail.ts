/** Findymail's finders, one person a call. Source: https://app.findymail.com/docs */
import {
  type Asked,
  type Call,
  fieldsOf,
  type ProviderContract,
  type Reply,
  type Subject,
  textOf,
} from './contract';
import { subjectByLinkedin, subjectByName } from './subjects';
import type { Finding } from './truth';

function refuse(status: number, error: string): Reply {
  return { status, body: { error } };
}

function read(call: Call): Asked | Reply {
  const subjectIn = SUBJECT_OF_PATH[call.path];
  if (call.method !== 'POST' || !subjectIn) {
    return { status: 404, body: { message: `The route ${call.path.slice(1)} could not be found.` } };
  }
  const subject = subjectIn(fieldsOf(call.body));
  if (!subject) return refuse(422, 'The given data was invalid.');
  return {
    subjects: [subject],
    priceOf,
    write: ([found]) =>
      subject.field === 'mobile' ? writePhone(found?.finding) : writeEmail(subject, found?.finding),
  };
}

const SUBJECT_OF_PATH: Readonly<
  Record<string, (fields: Readonly<Record<string, unknown>>) => Subject | null>
> = {
  '/api/search/name': subjectInName,
  '/api/search/business-profile': (fields) => subjectInProfile('email', fields),
  '/api/search/linkedin': (fields) => subjectInProfile('email', fields),
  '/api/search/phone': (fields) => subjectInProfile('mobile', fields),
};

/** `domain` is a domain or a company's name. */
function subjectInName(fields: Readonly<Record<string, unknown>>): Subject | null {
  const [firstName, ...rest] = (textOf(fields['name']) ?? '').split(/\s+/);
  const place = textOf(fields['domain']);
  if (!firstName || rest.length === 0 || !place) return null;
  const where = /^\S+\.\S+$/.test(place) ? { domain: place } : { company: place };
  return subjectByName('email', { firstName, lastName: rest.join(' '), ...where });
}

function subjectInProfile(
  field: Subject['field'],
  fields: Readonly<Record<string, unknown>>,
): Subject | null {
  const url = textOf(fields['linkedin_url']);
  return url ? subjectByLinkedin(field, url) : null;
}

/** Only what is verified counts as found. */
function priceOf(finding: Finding): number {
  if (finding.kind === 'phone') return 10;
  return finding.kind === 'email' && finding.status === 'valid' ? 1 : 0;
}

function writeEmail(subject: Subject, finding: Finding | undefined): Reply {
  if (finding?.kind !== 'email' || finding.status !== 'valid') return refuse(404, 'Contact not found');
  const name = `${subject.firstName} ${subject.lastName}`;
  const contact = { name, domain: finding.email.split('@')[1], email: finding.email };
  return { status: 200, body: { contact } };
}

function writePhone(finding: Finding | undefined): Reply {
  const isFound = finding?.kind === 'phone';
  const body = { phone: isFound ? finding.phone.number : null, line_type: isFound ? 'mobile' : null };
  return { status: 200, body };
}

export const findymail: ProviderContract = {
  name: 'findymail',
  coverage: { email: 0.55, mobile: 0.3 },
  limits: [],
  concurrent: 300,
  keyOf: (call) => /^Bearer (\S+)$/.exec(textOf(call.headers['authorization']) ?? '')?.[1] ?? null,
  read,
  badKey: () => ({ status: 401, body: { message: 'Unauthenticated.' } }),
  tooFast: () => ({ status: 429, body: { message: 'Too Many Attempts.' } }),
  // Under a 200.
  noCredit: () => refuse(200, 'Not enough credits'),
  brokenInside: () => ({ status: 500, body: { message: 'Server Error' } }),
};
