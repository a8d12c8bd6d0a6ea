/** Lusha's search-and-enrich, v3. Source: https://docs.lusha.com/apis/openapi/search-and-enrich/searchandenrichcontacts */
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

const PATH = '/v3/contacts/search-and-enrich';
const MAX_CONTACTS = 100;
const KNOWN_PROPERTIES = new Set(
  'clientReferenceId id linkedinUrl email firstName lastName companyName companyDomain'.split(' '),
);

function refuse(statusCode: number, message: string): Reply {
  return { status: statusCode, body: { statusCode, message } };
}

interface Contact {
  reference: string | null;
  subject: Subject;
}

function read(call: Call): Asked | Reply {
  if (call.method !== 'POST' || call.path !== PATH) return refuse(404, 'Not found');
  const { contacts, reveal, ...unknown } = fieldsOf(call.body);
  const [name, ...others] = Array.isArray(reveal) ? (reveal as unknown[]) : [];
  const field = name === 'phones' ? 'mobile' : name === 'emails' ? 'email' : null;
  if (!field || others.length > 0 || Object.keys(unknown).some((key) => key !== 'options')) {
    return refuse(400, 'reveal must hold emails or phones; no other property is known');
  }
  const asked = readContacts(contacts, field);
  if (!asked) return refuse(400, 'contacts must hold 1 to 100 contacts, each with known identifiers');
  return {
    subjects: asked.map(({ subject }) => subject),
    priceOf: (finding) => priceOf(finding),
    write: (found) => writeResults(asked, found),
  };
}

function readContacts(contacts: unknown, field: Subject['field']): Contact[] | null {
  if (!Array.isArray(contacts) || contacts.length === 0 || contacts.length > MAX_CONTACTS) return null;
  const read = contacts.map((contact): Contact | null => {
    const fields = fieldsOf(contact);
    if (Object.keys(fields).some((key) => !KNOWN_PROPERTIES.has(key))) return null;
    const subject = subjectOf(field, fields);
    return subject && { reference: textOf(fields['clientReferenceId']), subject };
  });
  const known = read.filter((contact) => contact !== null);
  return known.length === read.length ? known : null;
}

function subjectOf(field: Subject['field'], fields: Readonly<Record<string, unknown>>): Subject | null {
  const linkedin = textOf(fields['linkedinUrl']);
  if (linkedin) return subjectByLinkedin(field, linkedin);
  const email = textOf(fields['email']);
  if (email) return subjectByEmail(field, email);
  const [firstName, lastName] = [textOf(fields['firstName']), textOf(fields['lastName'])];
  if (!firstName || !lastName) return null;
  const [domain, company] = [textOf(fields['companyDomain']), textOf(fields['companyName'])];
  return subjectByName(field, { firstName, lastName, domain, company });
}

/** The search and the reveal. */
function priceOf(finding: Finding): number {
  if (finding.kind === 'phone') return 6;
  return finding.kind === 'email' ? 2 : 0;
}

function writeResults(asked: readonly Contact[], found: readonly Found[]): Reply {
  const results = asked.map(({ reference, subject }, i) =>
    writeResult(reference, subject, found[i]?.finding),
  );
  const creditsCharged = found.reduce((sum, { finding, isFree }) => sum + (isFree ? 0 : priceOf(finding)), 0);
  const billing = {
    creditsCharged,
    resultsReturned: found.filter(({ finding }) => priceOf(finding) > 0).length,
  };
  // In another order than asked: nobody may count on positions.
  return { status: 200, body: { requestId: 'sandbox', results: results.reverse(), billing } };
}

function writeResult(
  clientReferenceId: string | null,
  subject: Subject,
  finding: Finding | undefined,
): object {
  if (!finding || finding.kind === 'miss') {
    return { clientReferenceId, error: { code: 'NOT_FOUND', message: 'The contact was not found' } };
  }
  if (finding.kind === 'restricted') {
    return {
      clientReferenceId,
      error: { code: 'COMPLIANCE_RESTRICTED', message: 'Restricted by regulation' },
    };
  }
  const { firstName, lastName } = subject;
  return {
    clientReferenceId,
    id: Buffer.from(subject.id).toString('hex').slice(0, 16),
    firstName,
    lastName,
    fullName: `${firstName} ${lastName}`,
    ...(finding.kind === 'email' ? { emails: [writeEmail(finding)] } : { phones: [writePhone(finding)] }),
  };
}

function writeEmail({ email, status, isMasked }: Extract<Finding, { kind: 'email' }>): object {
  const shown = isMasked ? email.replace(/^(.).*@/, '$1****@') : email;
  return {
    email: shown,
    type: 'work',
    confidence: status === 'valid' ? 'A+' : 'B',
    updateDate: '2026-10-01',
  };
}

function writePhone({ phone, isMasked }: Extract<Finding, { kind: 'phone' }>): object {
  const shown = isMasked ? `${phone.number.slice(0, 6)}****` : phone.number;
  return { number: shown, type: 'mobile', doNotCall: phone.number.endsWith('7'), updateDate: '2026-10-01' };
}

export const lusha: ProviderContract = {
  name: 'lusha',
  coverage: { email: 0.5, mobile: 0.4 },
  maskedShare: 0.02,
  limits: [{ unit: 'calls', amount: 40, perSeconds: 60 }],
  keyOf: (call) => textOf(call.headers['api_key']),
  read,
  badKey: () => refuse(401, 'Unauthorized'),
  tooFast: () => refuse(429, 'Too many requests'),
  noCredit: () => refuse(402, 'Payment required'),
  brokenInside: () => refuse(500, 'Internal server error'),
  limitHeaders(uses) {
    const names = new Map([
      [60, 'minute'],
      [3600, 'hourly'],
      [86_400, 'daily'],
    ]);
    return Object.fromEntries(
      uses.flatMap(({ limit, left }) => {
        const name = names.get(limit.perSeconds);
        return [
          [`x-rate-limit-${name}`, String(limit.amount)],
          [`x-${name}-requests-left`, String(left)],
          [`x-${name}-usage`, String(limit.amount - left)],
        ];
      }),
    );
  },
};
