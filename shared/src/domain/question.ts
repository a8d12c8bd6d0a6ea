/**
 * What is asked of a provider. A lookup is keyed by a hash of the normalised inputs that were sent, and answers only
 * a lead whose own inputs hash the same: keyed by LinkedIn URL alone, one tenant could plant its own domain on a
 * stranger and poison the answer for all.
 */
import { hash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { foldValue } from './text-folding';

/** What a lead can be asked by. The hash columns of `people` carry the same names. */
export const QUESTION_FORMS = ['name_domain', 'name_company', 'linkedin', 'email'] as const;
export type QuestionForm = (typeof QUESTION_FORMS)[number];

/** What is known of a lead, as stored. */
export interface LeadInputs {
  firstName: string | null;
  lastName: string | null;
  fullName: string;
  companyName: string | null;
  companyDomain: string | null;
  linkedinUrl: string | null;
  email: string | null;
}

/** A question that a lead fills: the normalised inputs that are sent, and nothing else. */
export type Question =
  | { form: 'name_domain'; firstName: string; lastName: string; domain: string }
  | { form: 'name_company'; firstName: string; lastName: string; company: string }
  | { form: 'linkedin'; linkedinUrl: string }
  | { form: 'email'; email: string };

const PLAIN_HOST = /^[a-z0-9.-]+$/;

/** Host name of a domain or URL in ASCII lower case without `www.`; null if it is none. */
export function normaliseDomain(text: string | null): string | null {
  if (text === null) return null;
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/[/?#:].*$/s, '')
    .replace(/^www\./, '')
    .replace(/\.$/, '');
  // Most hosts are what they become already: an import normalises each many times.
  const ascii = PLAIN_HOST.test(host) && !host.includes('xn--') ? host : domainToASCII(host);
  return /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(ascii)
    ? ascii
    : null;
}

/** `/in/<slug>` of a LinkedIn profile URL, lower case and decoded; null if it is no public profile. */
export function normaliseLinkedinPath(text: string | null): string | null {
  if (text === null) return null;
  const match = /^(?:https?:\/\/)?(?:[a-z]{2,3}\.)?linkedin\.com\/(in|pub)\/([^/?#\s]+)/i.exec(text.trim());
  if (!match?.[1] || !match[2]) return null;
  const slug = decodeSlug(match[2]).normalize('NFC').toLowerCase();
  return slug.length <= 200 ? `/${match[1].toLowerCase()}/${slug}` : null;
}

function decodeSlug(slug: string): string {
  try {
    return decodeURIComponent(slug);
  } catch {
    return slug;
  }
}

/** An address in lower case with an ASCII domain; null if it has not the form of one. */
export function normaliseEmail(text: string | null): string | null {
  if (text === null) return null;
  const match = /^([^\s@"(),:;<>[\]\\]{1,64})@([^\s@]+)$/.exec(text.trim().toLowerCase());
  const domain = normaliseDomain(match?.[2] ?? null);
  return match?.[1] && domain ? `${match[1]}@${domain}` : null;
}

interface NamePair {
  firstName: string;
  lastName: string;
}

function normaliseName(lead: LeadInputs): NamePair | null {
  const words = lead.fullName.trim().split(/\s+/u);
  const firstName = collapse(lead.firstName ?? words[0] ?? '');
  const lastName = collapse(lead.lastName ?? words.slice(1).join(' '));
  return firstName && lastName ? { firstName, lastName } : null;
}

function collapse(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

/** The question of one form that a lead fills after normalising; null if it lacks an input. */
export function questionOf(lead: LeadInputs, form: QuestionForm): Question | null {
  if (form === 'linkedin') {
    const path = normaliseLinkedinPath(lead.linkedinUrl);
    return path ? { form, linkedinUrl: `https://www.linkedin.com${path}` } : null;
  }
  if (form === 'email') {
    const email = normaliseEmail(lead.email);
    return email ? { form, email } : null;
  }
  const name = normaliseName(lead);
  if (!name) return null;
  if (form === 'name_domain') {
    const domain = normaliseDomain(lead.companyDomain);
    return domain ? { form, ...name, domain } : null;
  }
  const company = collapse(lead.companyName ?? '');
  return company ? { form, ...name, company } : null;
}

/** The first of a provider's forms that the lead fills: exactly that is sent. Null: the provider cannot take this lead. */
export function firstQuestion(lead: LeadInputs, forms: readonly QuestionForm[]): Question | null {
  for (const form of forms) {
    const question = questionOf(lead, form);
    if (question) return question;
  }
  return null;
}

/** SHA-256 over the form and its inputs, blind to case and accents: two spellings of one question are one lookup. */
export function hashQuestion(question: Question): Buffer {
  const { form, ...inputs } = question;
  const parts = Object.values(inputs).map(foldValue);
  // At once: through a Hash object it takes three times as long, and an import hashes four questions of each lead.
  return hash('sha256', JSON.stringify([form, ...parts]), 'buffer');
}

/** The hash of every form that the lead fills, null for the others: what is stored with the lead. */
export function hashQuestionForms(lead: LeadInputs): Record<QuestionForm, Buffer | null> {
  const hashOf = (form: QuestionForm): Buffer | null => {
    const question = questionOf(lead, form);
    return question ? hashQuestion(question) : null;
  };
  return {
    name_domain: hashOf('name_domain'),
    name_company: hashOf('name_company'),
    linkedin: hashOf('linkedin'),
    email: hashOf('email'),
  };
}

/** The column of `people` that holds the hash of a form. */
export const HASH_COLUMN: Readonly<Record<QuestionForm, string>> = {
  name_domain: 'name_domain_hash',
  name_company: 'name_company_hash',
  linkedin: 'linkedin_hash',
  email: 'email_hash',
};
