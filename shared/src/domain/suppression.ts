/**
 * What a person who may not be asked about is known by. Only hashes are stored: SHA-256 of the normalised value with its
 * kind, or of a question as a lookup is keyed by. There is no secret in them; docs/adr/0011 says why.
 */
import { createHash } from 'node:crypto';
import {
  hashQuestion,
  hashQuestionForms,
  normaliseDomain,
  normaliseEmail,
  normaliseLinkedinPath,
  type LeadInputs,
} from './question';

/** What an operator can suppress. */
export const SUPPRESSIBLE_KINDS = ['email', 'domain', 'phone', 'linkedin'] as const;
export type SuppressibleKind = (typeof SUPPRESSIBLE_KINDS)[number];

/** `question`: name and company, as a provider is asked by them. */
export type SuppressionKind = SuppressibleKind | 'question';
export type SuppressionSource = 'operator' | 'erasure' | 'provider';

export interface SuppressionHash {
  kind: SuppressionKind;
  hash: Buffer;
}

/** The hash of a value of a kind; null where it is no such value. A phone must be in international form. */
export function hashSuppressible(kind: SuppressibleKind, text: string): SuppressionHash | null {
  if (kind === 'linkedin') {
    const path = normaliseLinkedinPath(text);
    return path === null ? null : { kind, hash: hashLinkedin(path) };
  }
  const value = { email: normaliseEmail, domain: normaliseDomain, phone: normalisePhone }[kind](text);
  return value === null ? null : { kind, hash: hashText(`${kind}:${value}`) };
}

/** The kind that a bare value of a list can only be. */
export function guessKind(text: string): SuppressibleKind {
  if (/linkedin\.com\//i.test(text)) return 'linkedin';
  if (text.includes('@')) return 'email';
  return /^[+\d(]/.test(text) && !/[a-z]/i.test(text) ? 'phone' : 'domain';
}

/** What identifies a lead, for its own sake: its e-mails, phones, LinkedIn path and the questions it fills; no domain. */
export function hashesOfPerson(
  lead: LeadInputs & { emails: readonly string[]; phones: readonly string[] },
): SuppressionHash[] {
  const forms = hashQuestionForms(lead);
  const questions = [forms.name_domain, forms.name_company, forms.email].flatMap((hash) =>
    hash ? [{ kind: 'question' as const, hash }] : [],
  );
  return [
    ...(lead.linkedinUrl === null ? [] : [hashSuppressible('linkedin', lead.linkedinUrl)]),
    ...lead.emails.map((email) => hashSuppressible('email', email)),
    ...lead.phones.map((phone) => hashSuppressible('phone', phone)),
    ...questions,
  ].filter((hash) => hash !== null);
}

/** `+` and digits, without an extension; null where the country is not said: it may be anybody's. */
function normalisePhone(text: string): string | null {
  const number = text
    .trim()
    .replace(/\s*(x|ext\.?|extension)\s*\d*$/i, '')
    .replace(/\(0\)/, '')
    .replace(/[\s().\-/']/g, '')
    .replace(/^00/, '+');
  return /^\+\d{5,15}$/.test(number) ? number : null;
}

function hashLinkedin(path: string): Buffer {
  return hashQuestion({ form: 'linkedin', linkedinUrl: `https://www.linkedin.com${path}` });
}

function hashText(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const GLOBAL_ERROR =
  'This person may not be enriched: the person was erased, or a provider may not tell. Nobody is asked and it costs nothing. Only whoever runs this service can lift that.';
const OWN_ERROR =
  'This person is on your organisation’s suppression list. Nobody is asked and it costs nothing. Have the entry removed by whoever runs this service, then order again.';

/** What a suppressed enrichment says: why, and who can lift it. */
export function suppressionError(isGlobal: boolean): string {
  return isGlobal ? GLOBAL_ERROR : OWN_ERROR;
}

/**
 * Whether an ended enrichment was ended by a suppression. It is told by its sentence: one that was written with another,
 * by an older version, makes way once for a new row that costs nothing.
 */
export function isSuppressionError(error: string | null): boolean {
  return error === GLOBAL_ERROR || error === OWN_ERROR;
}
