/**
 * What a person or company is known by inside one scope. A person's keys come in ranks: LinkedIn path, else e-mail, else
 * folded name and company domain, else folded name and company name. A lower rank joins only what no higher rank parts.
 */
import { createHash } from 'node:crypto';
import { normaliseDomain, normaliseEmail, normaliseLinkedinPath } from '../domain/question';
import { foldValue, foldWords } from '../domain/text-folding';

/** What identity looks at, of a row as of a stored lead. */
export interface Identifiable {
  firstName: string | null;
  lastName: string | null;
  fullName: string | null;
  linkedinUrl: string | null;
  emails: readonly string[];
}

export interface Employer {
  name: string | null;
  domain: string | null;
}

/** Keys by rank, the strongest first. Each may be empty; e-mail may have several. */
export type RankedKeys = readonly [
  linkedin: readonly string[],
  email: readonly string[],
  nameDomain: readonly string[],
  nameCompany: readonly string[],
];

/** From this rank on keys hold names, which two people of one company may share. */
export const FIRST_NAME_RANK = 2;

/** An index entry must stay under 2.7 kB; longer keys are hashed. */
const MAX_KEY_BYTES = 500;

/** Every key a person of a company is known by, in ranks. */
export function rankedKeysOf(person: Identifiable, employer: Employer | null): RankedKeys {
  const path = normaliseLinkedinPath(person.linkedinUrl);
  const emails = person.emails.flatMap((text) => normaliseEmail(text) ?? []);
  const name = foldName(person);
  const domain = normaliseDomain(employer?.domain ?? null);
  const company = employer?.name == null ? '' : foldCompany(employer.name);
  return [
    path ? [shorten(`linkedin:${path}`)] : [],
    emails.map((email) => shorten(`email:${email}`)),
    name && domain ? [shorten(`name-domain:${name}|${domain}`)] : [],
    name && company ? [shorten(`name-company:${name}|${company}`)] : [],
  ];
}

/** What a company is known by: its domain, else its folded name; null where it has neither. */
export function companyKeyOf(company: { name: string | null; domain: string | null }): string | null {
  if (company.domain !== null) return `domain:${company.domain}`;
  return company.name === null ? null : shorten(`name:${foldCompany(company.name)}`);
}

/** A company's name as identity sees it. */
export function foldCompany(name: string): string {
  return foldWords(name).join(' ') || foldValue(name);
}

function foldName({ firstName, lastName, fullName }: Identifiable): string {
  const whole = firstName !== null && lastName !== null ? `${firstName} ${lastName}` : fullName;
  const text = whole ?? firstName ?? lastName ?? '';
  return foldWords(text).join(' ') || foldValue(text);
}

function shorten(key: string): string {
  if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return key;
  return `${key.slice(0, key.indexOf(':') + 1)}sha256-${createHash('sha256').update(key).digest('hex')}`;
}
