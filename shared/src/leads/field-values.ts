/** Reads the text of one field, or says what is wrong with it and what to do. */
import { normaliseDomain, normaliseEmail, normaliseLinkedinPath } from '../domain/question';
import { FieldFault } from './field-fault';

/** The longest value that is kept, in characters: no name or title is longer, and an index entry must stay under 2.7 kB. */
export const MAX_VALUE_CHARACTERS = 500;
const MAX_LIST_VALUES = 100;
/** PostgreSQL's integer; no company comes near. */
const MAX_EMPLOYEES = 100_000_000;
/** What spreadsheets and exports write for nothing. */
const PLACEHOLDERS = new Set([
  ...['-', '–', '—', 'n/a', '#n/a', '#ref!', '#value!', '#name?', '#null!', '#div/0!'],
  ...['(blank)', '[not provided]', '\\n'],
]);
/** Addresses on these say nothing of a company: `linkedin.com` would become the company of everybody who is on it. */
const PROFILE_ON_NETWORK =
  /^(?:https?:\/\/)?(?:[a-z0-9-]+\.)*(?:linkedin|facebook|twitter|x|instagram|youtube|xing|tiktok)\.com\/[^\s/?#]/i;
/** LinkedIn's addresses of a person by an internal id, whose case matters: no provider and no other file knows them. */
const MEMBERS_ADDRESS =
  /^(?:https?:\/\/)?(?:[a-z]{2,3}\.)?linkedin\.com\/(?:(?:sales|talent|recruiter)\/|in\/AC[a-z]AA[\w-]{30})/i;

/** A trimmed text; null where it is blank. Throws FieldFault on what cannot be stored or is no text. */
export function readText(raw: string): string | null {
  const text = raw.replace(/\s+/gu, ' ').trim();
  if (text === '' || PLACEHOLDERS.has(text.toLowerCase())) return null;
  if (text.includes('\0')) throw new FieldFault('holds a NUL character; remove it.');
  if (text.includes('\uFFFD') || /\p{Surrogate}/u.test(text))
    throw new FieldFault('is not valid UTF-8; save the file as UTF-8 and import it again.');
  if (text.length > MAX_VALUE_CHARACTERS)
    throw new FieldFault(`is longer than ${MAX_VALUE_CHARACTERS} characters; shorten it.`);
  return text;
}

/** The distinct values of a text split by `separators`. Throws FieldFault as readText, and on more than 100 values. */
export function readList(raw: readonly string[], separators = /[;|]/): string[] {
  const values = raw.flatMap((text) => text.split(separators)).map(readText);
  const filled = [...new Set(values.filter((value) => value !== null))];
  if (filled.length > MAX_LIST_VALUES)
    throw new FieldFault(`has more than ${MAX_LIST_VALUES} values; keep the ones you need.`);
  return filled;
}

/** Addresses in lower case. */
export function readEmails(raw: readonly string[]): string[] {
  const addresses = readList(raw, /[;|,]/).map((text) => {
    const email = normaliseEmail(text.replace(/^mailto:/i, ''));
    if (!email || email.length > 254)
      throw new FieldFault('is not an e-mail address; write name@example.com or leave it blank.');
    return email;
  });
  return [...new Set(addresses)];
}

/** Numbers as digits with a leading `+` where the country is known; an extension is kept after ` x`. */
export function readPhones(raw: readonly string[]): string[] {
  return [...new Set(readList(raw, /[;|,]/).map(readPhone))];
}

function readPhone(text: string): string {
  const fault = (): FieldFault =>
    new FieldFault('is not a phone number; write it like +49 30 1234567 or leave it blank.');
  // A spreadsheet's 4.91512E+11 has lost digits.
  if (/\de\+?\d/i.test(text)) throw fault();
  const match = /^(?:tel:)?([+\d\s().\-/']+?)(?:\s*(?:x|ext\.?|extension)\s*(\d{1,8}))?$/i.exec(text);
  if (!match?.[1]) throw fault();
  const digits = match[1].replace(/\(0\)/, '').replace(/[^\d+]/g, '');
  const number = digits.replace(/^00/, '+');
  if (!/^\+?\d{5,15}$/.test(number)) throw fault();
  return match[2] ? `${number} x${match[2]}` : number;
}

/** The public profile's URL in one form; null also for an address by LinkedIn's internal id. */
export function readLinkedinUrl(raw: string): string | null {
  const text = readText(raw);
  if (text === null || MEMBERS_ADDRESS.test(text)) return null;
  const path = normaliseLinkedinPath(text);
  if (!path)
    throw new FieldFault(
      'is not a personal LinkedIn profile; write https://www.linkedin.com/in/… or leave it blank.',
    );
  return `https://www.linkedin.com${path}`;
}

/** The host name of a domain or URL; null also for a page on a social network. */
export function readDomain(raw: string): string | null {
  const text = readText(raw);
  if (text === null || PROFILE_ON_NETWORK.test(text)) return null;
  const domain = normaliseDomain(text);
  if (!domain) throw new FieldFault('is not a domain; write it like acme.com or leave it blank.');
  return domain;
}

export interface EmployeeRange {
  min: number | null;
  max: number | null;
}

/** How many employees: `250`, `51-200`, `1,001 to 5,000`, `10001+`, `5k`. `max` is null where it is open. */
export function readEmployeeRange(raw: string): EmployeeRange {
  const text = readText(raw);
  if (text === null) return { min: null, max: null };
  const bare = text
    .toLowerCase()
    .replace(/employees|people|,|'|\s(?=\d{3}\b)/g, '')
    .trim();
  const match = /^(\d+(?:\.\d+)?k?)\s*(?:(\+)|(?:-|–|—|to|\.\.)\s*(\d+(?:\.\d+)?k?))?$/.exec(bare);
  if (!match?.[1])
    throw new FieldFault('is not a number of employees; write 250, 51-200 or 10001+, or leave it blank.');
  const min = readCount(match[1]);
  const max = match[2] ? null : match[3] ? readCount(match[3]) : min;
  if (max !== null && max < min)
    throw new FieldFault('ends below its beginning; write the smaller number first.');
  return { min, max };
}

/** One whole number of employees. */
export function readEmployees(raw: string): number | null {
  const { min, max } = readEmployeeRange(raw);
  if (min !== max) throw new FieldFault('must be one whole number; use the size column for a range.');
  return min;
}

function readCount(text: string): number {
  const count = Math.round(parseFloat(text) * (text.endsWith('k') ? 1000 : 1));
  if (count > MAX_EMPLOYEES)
    throw new FieldFault(`is more than ${MAX_EMPLOYEES}; correct it or leave it blank.`);
  return count;
}
