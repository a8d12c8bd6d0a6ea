/** Where the header of a CSV file stands, what parts its cells, and what its columns mean. */
import { parse } from 'csv-parse/sync';
import { refusal } from './file-kind';
import { fieldOfHeader, headerKey, type NamedField } from './header-names';
import { recogniseExport, type KnownExport } from './known-exports';
import { LEAD_FIELDS, type LeadField } from './lead-fields';

export interface Column {
  field: LeadField;
  /** As the file writes it. */
  header: string;
  index: number;
}

export interface CsvLayout {
  delimiter: string;
  /** How many records come before the header: notes, and `sep=;`. */
  recordsBefore: number;
  /** How many cells the header has. */
  width: number;
  columns: Column[];
  /** Headers that name no field of a lead, as the file writes them. */
  ignored: string[];
  export: KnownExport | undefined;
}

/** A header further down is not looked for. */
export const MAX_HEADER_BYTES = 64 * 1024;
const MAX_RECORDS_BEFORE = 10;
const DELIMITERS = [',', ';', '\t', '|'] as const;
const SEPARATOR_LINE = /^"?sep=(.)"?[\r\n]/i;

/**
 * The layout that names the most fields of a lead, over all delimiters; undefined while `text`, the beginning of a file,
 * shows none. The first record is a header if it names one field, a later one if it names two: a row might hold one
 * such word by chance.
 * Throws VALIDATION_ERROR for a header by which no person could be told from another.
 */
export function findLayout(text: string, isWhole: boolean): CsvLayout | undefined {
  const lines = isWhole ? text : text.slice(0, Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1);
  const given = SEPARATOR_LINE.exec(lines)?.[1];
  const layouts = (given === undefined ? DELIMITERS : [given]).flatMap(
    (delimiter) => layoutOf(lines, delimiter, given === undefined ? 0 : 1) ?? [],
  );
  const [first] = layouts;
  if (!first) return undefined;
  const best = layouts.reduce((a, b) => (b.columns.length > a.columns.length ? b : a), first);
  if (!canIdentify(best)) throw refusal(NOBODY);
  return best;
}

const NOBODY =
  'The columns of this file tell nobody from another; it needs a LinkedIn profile, an e-mail address, or a name with a company or its domain.';

/** Why a file whose beginning shows no layout is refused. */
export function refuseLayout(text: string): Error {
  if (text.trim() === '')
    return refusal('The file is empty; its first line must name the columns. Export the leads again.');
  if (!/[\r\n]/.test(text) && text.length >= MAX_HEADER_BYTES)
    return refusal(
      'The first line of the file never ends; a CSV file has one row a line. Export the leads as CSV again.',
    );
  return refusal(
    'No line at its beginning names columns of a lead; begin the file with a header such as first_name,last_name,email,linkedin_url,company,company_domain.',
  );
}

function layoutOf(text: string, delimiter: string, from: number): CsvLayout | undefined {
  const records = readRecords(text, delimiter);
  for (const [index, record] of records.slice(from).entries()) {
    const layout = readHeader(record);
    if (layout.columns.length >= (index === 0 ? 1 : 2))
      return { ...layout, delimiter, recordsBefore: from + index };
  }
  return undefined;
}

function readRecords(text: string, delimiter: string): string[][] {
  return parse(text, {
    delimiter,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    // The text may end in the middle of a quoted cell.
    skip_records_with_error: true,
    to: MAX_RECORDS_BEFORE + 1,
  });
}

function readHeader(headers: readonly string[]): Omit<CsvLayout, 'delimiter' | 'recordsBefore'> {
  const known = recogniseExport(headers);
  const named = headers.map((header) => nameColumn(header, known));
  const columns = headers.flatMap((header, index) => {
    const name = named[index];
    return name ? [{ field: name.field, rank: name.rank, header: header.trim(), index }] : [];
  });
  return {
    width: headers.length,
    export: known,
    columns: columns
      .sort((a, b) => orderOf(a) - orderOf(b))
      .map(({ field, header, index }) => ({ field, header, index })),
    ignored: headers.filter((header, index) => header.trim() !== '' && !named[index]),
  };
}

/** An export's own names come after those that everybody uses, where a row fills both. */
const OWN_NAME_RANK = 1000;

function nameColumn(header: string, known: KnownExport | undefined): NamedField | undefined {
  const names = Object.keys(known?.columns ?? {});
  const rank = names.findIndex((name) => headerKey(name) === headerKey(header));
  if (rank < 0) return fieldOfHeader(header);
  const field = known?.columns[names[rank] ?? ''];
  return field ? { field, rank: OWN_NAME_RANK + rank } : undefined;
}

/** Texts by the rank of their names; lists as the file has them: its first address is the one that is asked by. */
function orderOf({ field, rank, index }: Column & NamedField): number {
  return isJoined(field) ? index : rank;
}

function isJoined(field: LeadField): boolean {
  const kind = LEAD_FIELDS[field];
  return kind === 'list' || kind === 'email' || kind === 'phone';
}

function canIdentify({ columns }: CsvLayout): boolean {
  const has = (...fields: LeadField[]): boolean => columns.some(({ field }) => fields.includes(field));
  return (
    has('linkedinUrl', 'emails') ||
    (has('fullName', 'firstName', 'lastName') && has('companyName', 'companyDomain'))
  );
}
