/** Prospeo's enrich-person and bulk-enrich-person. Source: https://prospeo.io/api-docs/bulk-enrich-person */
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

const MAX_RECORDS = 50;

function refuse(status: number, code: string): Reply {
  return { status, body: { error: true, error_code: code } };
}

interface BulkRecord {
  identifier: string;
  subject: Subject | null;
}

function read(call: Call): Asked | Reply {
  if (call.method !== 'POST') return refuse(400, 'INVALID_REQUEST');
  const { data, enrich_mobile: enrichMobile, only_verified_email: onlyVerified } = fieldsOf(call.body);
  const field = enrichMobile === true ? 'mobile' : 'email';
  if (call.path === '/enrich-person') return readSingle(fieldsOf(data), field, onlyVerified === true);
  if (call.path !== '/bulk-enrich-person') return refuse(404, 'NOT_FOUND');
  const records = readRecords(data, field);
  if (!records) return refuse(400, 'INVALID_REQUEST');
  const known = records.filter(({ subject }) => subject !== null);
  return {
    subjects: known.flatMap(({ subject }) => subject ?? []),
    priceOf: (finding) => priceOf(finding, field),
    write: (found) => writeBulk(records, known, found, field, onlyVerified === true),
  };
}

function readSingle(
  data: Readonly<Record<string, unknown>>,
  field: Subject['field'],
  onlyVerified: boolean,
): Asked | Reply {
  const subject = subjectOf(data, field);
  if (!subject) return refuse(400, 'INVALID_DATAPOINTS');
  return {
    subjects: [subject],
    priceOf: (finding) => priceOf(finding, field),
    write: ([found]) => {
      if (!found || !isMatch(found.finding, onlyVerified)) return refuse(400, 'NO_MATCH');
      const body = {
        error: false,
        free_enrichment: found.isFree,
        person: personOf(subject, found.finding),
        company: null,
      };
      return { status: 200, body };
    },
  };
}

/** Null where the call as a whole is malformed. */
function readRecords(data: unknown, field: Subject['field']): BulkRecord[] | null {
  if (!Array.isArray(data) || data.length === 0 || data.length > MAX_RECORDS) return null;
  const records = data.map((item) => {
    const fields = fieldsOf(item);
    return { identifier: textOf(fields['identifier']) ?? '', subject: subjectOf(fields, field) };
  });
  const identifiers = new Set(records.map(({ identifier }) => identifier));
  return identifiers.size === records.length && !identifiers.has('') ? records : null;
}

function subjectOf(fields: Readonly<Record<string, unknown>>, field: Subject['field']): Subject | null {
  const linkedin = textOf(fields['linkedin_url']);
  if (linkedin) return subjectByLinkedin(field, linkedin);
  const email = textOf(fields['email']);
  if (email) return subjectByEmail(field, email);
  const names = (textOf(fields['full_name']) ?? '').split(/\s+/);
  const firstName = textOf(fields['first_name']) ?? names[0];
  const lastName = textOf(fields['last_name']) ?? names.slice(1).join(' ');
  if (!firstName || !lastName) return null;
  const [domain, company] = [textOf(fields['company_website']), textOf(fields['company_name'])];
  return subjectByName(field, { firstName, lastName, domain, company });
}

function isMatch(finding: Finding, onlyVerified: boolean): boolean {
  if (finding.kind === 'email') return !onlyVerified || finding.status === 'valid';
  return finding.kind === 'phone';
}

function priceOf(finding: Finding, field: Subject['field']): number {
  if (!isMatch(finding, false)) return 0;
  return field === 'mobile' ? 10 : 1;
}

function writeBulk(
  records: readonly BulkRecord[],
  known: readonly BulkRecord[],
  found: readonly Found[],
  field: Subject['field'],
  onlyVerified: boolean,
): Reply {
  const rows = known.flatMap(({ identifier, subject }, i) => {
    const of = found[i];
    return subject && of ? [{ identifier, subject, ...of }] : [];
  });
  const matches = rows.filter(({ finding }) => isMatch(finding, onlyVerified));
  const body = {
    error: false,
    total_cost: matches.reduce((sum, row) => sum + (row.isFree ? 0 : priceOf(row.finding, field)), 0),
    // In another order than asked: nobody may count on positions.
    matched: matches
      .map(({ identifier, subject, finding }) => ({
        identifier,
        person: personOf(subject, finding),
        company: null,
      }))
      .reverse(),
    not_matched: rows.filter((row) => !matches.includes(row)).map(({ identifier }) => identifier),
    invalid_datapoints: records.filter(({ subject }) => !subject).map(({ identifier }) => identifier),
  };
  return { status: 200, body };
}

function personOf(subject: Subject, finding: Finding): object {
  return {
    person_id: `p-${Buffer.from(subject.id).toString('hex').slice(0, 24)}`,
    first_name: subject.firstName,
    last_name: subject.lastName,
    full_name: `${subject.firstName} ${subject.lastName}`,
    email: finding.kind === 'email' ? writeEmail(finding) : null,
    mobile: finding.kind === 'phone' ? writeMobile(finding) : null,
  };
}

function writeEmail({ email, status, isMasked }: Extract<Finding, { kind: 'email' }>): object {
  return {
    status: status === 'valid' ? 'VERIFIED' : 'UNVERIFIED',
    revealed: !isMasked,
    email: isMasked ? email.replace(/^(.).*@/, '$1*****@') : email,
    verification_method: status === 'valid' ? 'SMTP' : null,
    email_mx_provider: 'Other',
  };
}

function writeMobile({ phone, isMasked }: Extract<Finding, { kind: 'phone' }>): object {
  const mask = (text: string): string => (isMasked ? `${text.slice(0, 5)}*****` : text);
  return {
    status: 'VERIFIED',
    revealed: !isMasked,
    mobile: mask(phone.number),
    mobile_national: mask(phone.national),
    mobile_international: mask(phone.number.replace(/^(\+\d\d?)(\d{3})/, '$1 $2 ')),
    mobile_country: phone.country,
    mobile_country_code: phone.countryCode,
  };
}

export const prospeo: ProviderContract = {
  name: 'prospeo',
  coverage: { email: 0.2, mobile: 0.21 },
  maskedShare: 0.03,
  // A bulk call counts once for each record in it.
  limits: [
    { unit: 'records', amount: 5, perSeconds: 1 },
    { unit: 'records', amount: 300, perSeconds: 60 },
    { unit: 'records', amount: 2000, perSeconds: 86_400 },
  ],
  keyOf: (call) => textOf(call.headers['x-key']),
  read,
  badKey: () => refuse(401, 'INVALID_API_KEY'),
  tooFast: () => refuse(429, 'RATE_LIMITED'),
  noCredit: () => refuse(400, 'INSUFFICIENT_CREDITS'),
  brokenInside: () => refuse(400, 'INTERNAL_ERROR'),
  limitHeaders(uses) {
    const of = (perSeconds: number) => uses.find(({ limit }) => limit.perSeconds === perSeconds);
    const [second, minute, day] = [of(1), of(60), of(86_400)];
    return {
      'x-second-rate-limit': String(second?.limit.amount ?? ''),
      'x-minute-request-left': String(minute?.left ?? ''),
      'x-minute-reset-seconds': String(minute?.resetSeconds ?? ''),
      'x-daily-request-left': String(day?.left ?? ''),
      'x-daily-reset-seconds': String(day?.resetSeconds ?? ''),
    };
  },
};
