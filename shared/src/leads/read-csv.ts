import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { buildLead, type RawField } from './build-lead';
import { findLayout, MAX_HEADER_BYTES, refuseLayout, type Column, type CsvLayout } from './csv-layout';
import { decodeText, type DeclaredEncoding } from './decode-text';
import { refusal } from './file-kind';
import { LEAD_FIELDS } from './lead-fields';
import type { ReadRow } from './lead-row';
import { PeekedSource } from './peeked-source';

/** A record that is longer has an open quote, or is no CSV. */
const MAX_RECORD_BYTES = 256 * 1024;

/** The parser's counts so far, under its own names. */
interface Position {
  empty_lines: number;
  records: number;
}

interface CsvRecord {
  record: string[];
  info: Position;
}

/** Told of what a file is, apart from its rows; each once at most, before the first row or as it shows. */
export interface FileListener {
  /** The headers that name no field of a lead, if there are any. */
  onIgnoredColumns?: (headers: string[]) => void;
  /** A sentence for a person: which export this is, or that its encoding was guessed. */
  onNote?: (sentence: string) => void;
}

/** How the sender says what a file is. */
export interface FileTerms extends FileListener {
  /** Undefined: UTF-8, or what the file shows. */
  encoding?: DeclaredEncoding;
  /** What names each format where the file comes from: a flag, a header. */
  formatWords?: Readonly<Record<'csv' | 'ndjson', string>>;
}

/**
 * The rows of a CSV file with a header line, in order: UTF-8, UTF-16 or Windows-1252, any line ending, quoted newlines;
 * separated by comma, semicolon, tab or bar; lines of notes before the header. Blank rows are left out. Reads as it is
 * consumed, so that memory does not grow with the file.
 * Throws VALIDATION_ERROR, with what to do, where the file is no CSV, has no header that names a lead's fields, or has no
 * rows below it.
 */
export async function* readCsv(
  source: AsyncIterable<Buffer>,
  terms: FileTerms = {},
): AsyncGenerator<ReadRow> {
  const text = new PeekedSource(decodeText(source, (note) => terms.onNote?.(note), terms.encoding));
  const ending = new EndingWatch();
  try {
    const layout = await peekLayout(text, terms);
    if (layout.export) terms.onNote?.(`Read as an export of ${layout.export.name}.`);
    if (layout.ignored.length > 0) terms.onIgnoredColumns?.(layout.ignored);
    const bytes = Readable.from(ending.watch(text), { objectMode: false });
    let isAnyRow = false;
    for await (const row of readRows(bytes, layout, ending)) {
      isAnyRow = true;
      yield row;
    }
    if (!isAnyRow) throw refusal(HEADER_ONLY);
  } finally {
    await text.close();
  }
}

const HEADER_ONLY = 'The file names its columns and has no rows below them; export the leads again.';

async function peekLayout(text: PeekedSource, terms: FileTerms): Promise<CsvLayout> {
  for (;;) {
    const known = text.head.length;
    await text.readMore();
    const head = text.head.subarray(0, MAX_HEADER_BYTES).toString('utf8');
    refuseJson(head, terms);
    const isAll = text.isWhole || text.head.length >= MAX_HEADER_BYTES;
    const hasNewLine = text.isWhole || /[\r\n]/.test(text.head.subarray(known).toString('latin1'));
    const layout = hasNewLine ? findLayout(head, text.isWhole) : undefined;
    if (layout) return layout;
    if (isAll) throw refuseLayout(head);
  }
}

function refuseJson(head: string, { formatWords }: FileTerms): void {
  const ndjson = `NDJSON${formatWords ? ` (${formatWords.ndjson})` : ''}`;
  if (/^\s*\[\s*[{"[]/.test(head))
    throw refusal(
      `The file is a JSON array, not CSV; write one object a line (jq -c ".[]" FILE) and import that as ${ndjson}.`,
    );
  if (/^\s*\{\s*"/.test(head)) throw refusal(`The file holds JSON, not CSV; import it as ${ndjson}.`);
}

async function* readRows(bytes: Readable, layout: CsvLayout, ending: EndingWatch): AsyncGenerator<ReadRow> {
  const parser = parseRecords(bytes, layout.delimiter);
  const reader = new RecordReader(layout);
  let line = 1;
  let emptyLines = 0;
  let held: { record: string[]; line: number } | undefined;
  try {
    for await (const { record, info } of parser.records) {
      // The parser runs ahead; what it makes of the rest after an open quote is no record.
      if (info.records > (parser.broken()?.records ?? Infinity)) break;
      line += info.empty_lines - emptyLines;
      emptyLines = info.empty_lines;
      const row = held && reader.read(held.record, held.line);
      if (row) yield row;
      // Held back by one: only the last row of a file can be cut off.
      if (info.records > layout.recordsBefore + 1) held = { record, line };
      line += 1 + countNewlines(record);
    }
  } finally {
    // A reader that stops early must not leave the source open.
    bytes.destroy();
  }
  const broken = parser.broken();
  const isCut = !broken && !ending.isWithLineBreak();
  // What a source that broke was in the middle of is no row.
  if (ending.fault && isCut) throw ending.fault.error;
  const row = held && reader.read(held.record, held.line, isCut);
  if (row) yield row;
  if (ending.fault) throw ending.fault.error;
  if (!broken) return;
  line += broken.empty_lines - emptyLines;
  yield { rejection: { line, column: null, message: OPEN_QUOTE, isRestUnread: true } };
}

const OPEN_QUOTE =
  'A quotation mark in this row is never closed, or the row is longer than 256 kB, so nothing from this line on was read; correct it and import the file again.';

interface CsvParser {
  records: AsyncIterable<CsvRecord>;
  /** What came before the record that could not be read; undefined: all could. */
  broken(): Position | undefined;
}

/** Errors are skipped and remembered: an error of the stream would throw away the records that wait in it. */
function parseRecords(bytes: Readable, delimiter: string): CsvParser {
  let broken: Position | undefined;
  const parser = parse({
    delimiter,
    info: true,
    max_record_size: MAX_RECORD_BYTES,
    on_skip: () => {
      broken ??= { ...parser.info };
      return undefined;
    },
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
  });
  bytes.on('error', (error) => parser.destroy(error));
  return { records: bytes.pipe(parser) as AsyncIterable<CsvRecord>, broken: () => broken };
}

/** Reads the records below the header. */
class RecordReader {
  private isRagged = false;

  constructor(private readonly layout: CsvLayout) {}

  /** `mayBeCut`: nothing follows it, not even a line break. */
  read(record: readonly string[], line: number, mayBeCut = false): ReadRow | null {
    const { width, columns, export: known } = this.layout;
    const reject = (message: string): ReadRow => ({ rejection: { line, column: null, message } });
    if (record.length > width && record.slice(width).some((cell) => cell.trim() !== ''))
      return reject(TOO_WIDE);
    // Some tools leave out blank cells at the end of a row: then a short row says nothing.
    if (mayBeCut && record.length < width && !this.isRagged) return reject(CUT_OFF);
    this.isRagged ||= record.length < width;
    // Half the cells of an export are blank: they say nothing, and need no reading.
    const filled = columns.filter(({ index }) => (record[index] ?? '') !== '');
    const row = buildLead(
      line,
      filled.map((column) => this.readCell(record, column)),
    );
    const isFooter = known?.hasFooter && width > 1 && record.length === 1;
    return isFooter && row && 'rejection' in row ? null : row;
  }

  private readCell(record: readonly string[], { field, header, index }: Column): RawField {
    const cell = record[index] ?? '';
    const separator = this.layout.export?.separators?.[field];
    if (separator === undefined) return { field, column: header, texts: [cell] };
    const parts = cell.split(separator);
    return { field, column: header, texts: LEAD_FIELDS[field] === 'list' ? parts : parts.slice(0, 1) };
  }
}

const TOO_WIDE =
  'The row has more values than the header has columns; put a value that holds the delimiter in quotation marks.';
const CUT_OFF =
  'The file ends in the middle of this row; it was not exported or copied whole. Export it and import it again.';

/** Knows how a text ended, once it was read. */
class EndingWatch {
  /** What the source broke off with. */
  fault: { error: unknown } | undefined;
  private lastByte = 0;

  /** Ends where the source breaks, instead of throwing: streams drop what waits in them when they fail. */
  async *watch(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of bytes) {
        this.lastByte = chunk.at(-1) ?? this.lastByte;
        yield chunk;
      }
    } catch (error) {
      this.fault = { error };
    }
  }

  isWithLineBreak(): boolean {
    return this.lastByte === 10 || this.lastByte === 13;
  }
}

/** Line breaks inside the quoted cells of a record. The parser's own count takes CRLF for two. */
function countNewlines(record: readonly string[]): number {
  let newlines = 0;
  for (const cell of record) {
    if (cell.includes('\n') || cell.includes('\r')) newlines += cell.match(/\r\n|\n|\r/g)?.length ?? 0;
  }
  return newlines;
}
