import { buildLead, type RawField } from './build-lead';
import { decodeText } from './decode-text';
import { refusal } from './file-kind';
import type { LeadField } from './lead-fields';
import type { ReadRow } from './lead-row';
import { PeekedSource } from './peeked-source';
import type { FileTerms } from './read-csv';

const MAX_LINE_BYTES = 256 * 1024;
const NEWLINE = 10;
const MAX_TOLD_NAMES = 100;
const MAX_TOLD_CHARACTERS = 100;

/** Properties of a person and of its `company`, as the API writes them, and the singular forms people write. */
const PERSON_PROPERTIES: Readonly<Record<string, LeadField>> = {
  firstName: 'firstName',
  lastName: 'lastName',
  fullName: 'fullName',
  name: 'fullName',
  jobTitle: 'jobTitle',
  seniority: 'seniority',
  city: 'city',
  country: 'country',
  linkedinUrl: 'linkedinUrl',
  email: 'emails',
  emails: 'emails',
  phone: 'phones',
  phones: 'phones',
  departments: 'departments',
  functions: 'functions',
  skills: 'skills',
  languages: 'languages',
  socialLinks: 'socialLinks',
  previousCompanies: 'previousCompanies',
  companyName: 'companyName',
  companyDomain: 'companyDomain',
};
const COMPANY_PROPERTIES: Readonly<Record<string, LeadField>> = {
  name: 'companyName',
  domain: 'companyDomain',
  website: 'companyDomain',
  industry: 'companyIndustry',
  city: 'companyCity',
  country: 'companyCountry',
  linkedinUrl: 'companyLinkedinUrl',
  employees: 'companySize',
  size: 'companySize',
  employeeSize: 'companySize',
  employeesMin: 'companyEmployeesMin',
  employeesMax: 'companyEmployeesMax',
};

/**
 * The rows of a file with one JSON object a line, in order: the person fields that the API answers, `company` inside.
 * Unknown properties are left out, and told once all is read; blank lines are left out too. Reads as it is consumed, so that memory does not grow with the file.
 * Throws VALIDATION_ERROR, with what to do, where the file is empty or begins with something else than a JSON object.
 */
export async function* readNdjson(
  source: AsyncIterable<Buffer>,
  terms: FileTerms = {},
): AsyncGenerator<ReadRow> {
  const text = new PeekedSource(decodeText(source, (note) => terms.onNote?.(note), terms.encoding));
  try {
    await refuseOthers(text, terms);
    const ignored = new IgnoredNames();
    let line = 0;
    for await (const bytes of splitLines(text)) {
      line++;
      const row = readLine(bytes, line, ignored);
      if (row) yield row;
    }
    if (ignored.names.size > 0) terms.onIgnoredColumns?.([...ignored.names]);
  } finally {
    await text.close();
  }
}

/** Properties that name no field of a lead: the first hundred, each cut to what a person reads. */
class IgnoredNames {
  readonly names = new Set<string>();

  add(name: string): void {
    if (this.names.size < MAX_TOLD_NAMES) this.names.add(name.slice(0, MAX_TOLD_CHARACTERS));
  }
}

/** What is no NDJSON is mostly CSV or an array: told by the first line with something on it. */
async function refuseOthers(text: PeekedSource, { formatWords }: FileTerms): Promise<void> {
  let first = '';
  while (!text.isWhole && first === '') {
    await text.readMore();
    first = text.head.toString('utf8').trimStart().charAt(0);
  }
  if (first === '') throw refusal('The file is empty; write one JSON object a line.');
  if (first === '[')
    throw refusal('The file is a JSON array; write one object a line (jq -c ".[]" FILE) and import that.');
  if (first !== '{')
    throw refusal(
      `The file does not begin with a JSON object; if it is CSV, import it as such${formatWords ? ` (${formatWords.csv})` : ''}.`,
    );
}

function readLine(bytes: Buffer | null, line: number, ignored: IgnoredNames): ReadRow | null {
  const reject = (message: string): ReadRow => ({ rejection: { line, column: null, message } });
  if (bytes === null)
    return reject(`The line is longer than ${MAX_LINE_BYTES} bytes; write one person a line.`);
  const text = decode(bytes);
  if (text === null)
    return reject('The line is not valid UTF-8; save the file as UTF-8 and import it again.');
  if (text.trim() === '') return null;
  const value = parseObject(text);
  if (!value) return reject('The line is not a JSON object; write {"firstName": …} on one line.');
  return readPerson(value, line, ignored);
}

function readPerson(person: Record<string, unknown>, line: number, ignored: IgnoredNames): ReadRow | null {
  const { company, ...own } = person;
  const faults: string[] = [];
  const fields = [
    ...readProperties(own, PERSON_PROPERTIES, '', faults, ignored),
    ...(isObject(company) ? readProperties(company, COMPANY_PROPERTIES, 'company.', faults, ignored) : []),
    ...(typeof company === 'string'
      ? [{ field: 'companyName' as const, column: 'company', texts: [company] }]
      : []),
  ];
  const [column] = faults;
  if (column !== undefined)
    return { rejection: { line, column, message: `${column} must be a text, a number or a list of texts.` } };
  return buildLead(line, fields);
}

function readProperties(
  object: Record<string, unknown>,
  properties: Readonly<Record<string, LeadField>>,
  path: string,
  faults: string[],
  ignored: IgnoredNames,
): RawField[] {
  return Object.entries(object).flatMap(([name, value]) => {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!field) ignored.add(path + name);
    if (!field || value === null) return [];
    const texts = (Array.isArray(value) ? (value as unknown[]) : [value]).map(textOf);
    if (texts.includes(null)) faults.push(path + name);
    return [{ field, column: path + name, texts: texts.map((text) => text ?? '') }];
  });
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Text of UTF-8, without a BOM; null where it is none. */
function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Each line without its break; null for one over the limit, of which nothing is kept. */
async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  const take = (piece: Buffer): void => {
    restBytes += piece.length;
    if (restBytes > MAX_LINE_BYTES) rest = [];
    else rest.push(piece);
  };
  const flush = (): Buffer | null => {
    const line = restBytes > MAX_LINE_BYTES ? null : Buffer.concat(rest);
    rest = [];
    restBytes = 0;
    return line;
  };
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, end));
      yield flush();
      from = end + 1;
    }
    take(chunk.subarray(from));
  }
  if (restBytes > 0) yield flush();
}
