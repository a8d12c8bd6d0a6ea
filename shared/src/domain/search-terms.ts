/** What search looks at: marked words for text filters, marked whole values for lists. Both sides, stored and asked, mark alike. */
import { createHash } from 'node:crypto';
import { normaliseDomain, normaliseLinkedinPath } from './question';
import { foldValue, foldWords } from './text-folding';

/** A lead as far as search looks at it. */
export interface SearchableLead {
  fullName: string;
  jobTitle: string | null;
  seniority: string | null;
  city: string | null;
  country: string | null;
  linkedinUrl: string | null;
  departments: readonly string[];
  functions: readonly string[];
  skills: readonly string[];
  languages: readonly string[];
  socialLinks: readonly string[];
  previousCompanies: readonly string[];
  company: {
    name: string | null;
    domain: string | null;
    industry: string | null;
    city: string | null;
    country: string | null;
  } | null;
}

/** The mark of each field that is searched by words. */
export const WORD_MARKS = {
  name: 'n',
  title: 't',
  company: 'c',
  'company-domain': 'd',
  language: 'l',
  skill: 's',
} as const;
export type WordField = keyof typeof WORD_MARKS;

/** The fields that are searched by whole values. */
export type TermField =
  | WordField
  | 'seniority'
  | 'department'
  | 'function'
  | 'city'
  | 'country'
  | 'previous'
  | 'social'
  | 'industry'
  | 'account-city'
  | 'account-country';

/** The longest word that is told apart; 200 characters of 4 bytes stay well under PostgreSQL's 2 kB for a lexeme. */
const MAX_WORD_CHARACTERS = 200;
/** Longer values are stored as a hash: an index entry has 2.7 kB at most, and small ones are fast. */
const MAX_TERM_CHARACTERS = 150;
/** Between two fields or two elements, so that a phrase never reaches from one into the next. */
const GAP_POSITIONS = 4;
/** Source: https://www.postgresql.org/docs/current/textsearch-limitations.html */
const MAX_POSITION = 16_383;
const MAX_POSITIONS_PER_WORD = 255;
const MAX_VECTOR_BYTES = 1_000_000;

/**
 * What is indexed of a lead: `words` is the text of a tsvector, `terms` the distinct elements of an array. The same for
 * the same lead. Never exceeds what PostgreSQL takes: of a lead with more than a megabyte of words, the last ones (those
 * of skills) are left out; words beyond position 16,383 are found, but not as part of a phrase.
 */
export function searchTermsOf(lead: SearchableLead): { words: string; terms: string[] } {
  return { words: vectorOf(wordTexts(lead)), terms: [...new Set(listTerms(lead))] };
}

/** A word with its field's mark, as it stands in the vector; a word is cut at 200 characters. */
export function markWord(field: WordField, word: string): string {
  const cut = word.length > MAX_WORD_CHARACTERS ? [...word].slice(0, MAX_WORD_CHARACTERS).join('') : word;
  return `${WORD_MARKS[field]}_${cut}`;
}

/** A whole value with its field's name, as it stands among the terms; null for a blank value. */
export function termOf(field: TermField, value: string): string | null {
  const whole = normaliseTerm(field, value);
  if (whole === '') return null;
  return `${field}=${whole.length > MAX_TERM_CHARACTERS ? shortHash(whole) : whole}`;
}

function normaliseTerm(field: TermField, value: string): string {
  if (field === 'social') return normaliseSocial(value);
  if (field === 'company-domain') return normaliseDomain(value) ?? foldValue(value);
  return foldValue(value);
}

function shortHash(value: string): string {
  return `#${createHash('sha256').update(value).digest('base64url').slice(0, 22)}`;
}

/** A profile's address without what differs between copies of it; a network's name for its bare address. */
function normaliseSocial(value: string): string {
  const linkedin = normaliseLinkedinPath(value);
  if (linkedin !== null) return foldValue(`linkedin.com${linkedin}`);
  const bare = foldValue(value)
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/^(?:www|m|mobile)\./, '')
    .replace(/[?#].*$/s, '')
    .replace(/\/+$/, '');
  return bare.includes('/') ? bare : networkOf(bare);
}

const OTHER_NAMES: Readonly<Record<string, string>> = { twitter: 'x', fb: 'facebook' };

/** 'linkedin' of de.linkedin.com/in/ada and of 'LinkedIn'. */
function networkOf(address: string): string {
  const host = address.replace(/\/.*$/s, '');
  const name = host.split('.').at(-2) ?? host;
  return OTHER_NAMES[name] ?? name;
}

function* listTerms(lead: SearchableLead): Generator<string> {
  for (const [field, values] of termValues(lead)) {
    for (const value of values) {
      const term = value === null ? null : termOf(field, value);
      if (term !== null) yield term;
    }
  }
}

function termValues(lead: SearchableLead): [TermField, readonly (string | null)[]][] {
  const { company } = lead;
  const social = [...lead.socialLinks, ...(lead.linkedinUrl === null ? [] : [lead.linkedinUrl])];
  return [
    ['name', [lead.fullName]],
    ['title', [lead.jobTitle]],
    ['seniority', [lead.seniority]],
    ['department', lead.departments],
    ['function', lead.functions],
    ['city', [lead.city]],
    ['country', [lead.country]],
    ['skill', lead.skills],
    ['language', lead.languages],
    ['social', [...social, ...social.map((link) => networkOf(normaliseSocial(link)))]],
    ['previous', lead.previousCompanies],
    ['company', [company?.name ?? null]],
    ['company-domain', [company?.domain ?? null]],
    ['industry', [company?.industry ?? null]],
    ['account-city', [company?.city ?? null]],
    ['account-country', [company?.country ?? null]],
  ];
}

/** In the order in which they are kept where a lead has too much. */
function wordTexts(lead: SearchableLead): [WordField, readonly (string | null)[]][] {
  return [
    ['name', [lead.fullName]],
    ['title', [lead.jobTitle]],
    ['company', [lead.company?.name ?? null]],
    ['company-domain', [lead.company?.domain ?? null]],
    ['language', lead.languages],
    ['skill', lead.skills],
  ];
}

function vectorOf(texts: [WordField, readonly (string | null)[]][]): string {
  const positions = new Map<string, number[]>();
  let at = 0;
  let bytes = 0;
  for (const [field, values] of texts) {
    for (const value of values) {
      for (const word of foldWords(value ?? '')) {
        const marked = markWord(field, word);
        let known = positions.get(marked);
        // The lexeme with its entry and padding, then two bytes for each position.
        bytes += (known ? 0 : Buffer.byteLength(marked) + 8) + 2;
        if (bytes > MAX_VECTOR_BYTES) return vectorText(positions);
        if (!known) positions.set(marked, (known = []));
        at += 1;
        if (at <= MAX_POSITION && known.length < MAX_POSITIONS_PER_WORD) known.push(at);
      }
      at += GAP_POSITIONS;
    }
  }
  return vectorText(positions);
}

/** Words are letters, digits and their marks: nothing in them needs an escape. */
function vectorText(positions: ReadonlyMap<string, number[]>): string {
  return [...positions]
    .map(([word, at]) => (at.length > 0 ? `'${word}':${at.join(',')}` : `'${word}'`))
    .join(' ');
}
