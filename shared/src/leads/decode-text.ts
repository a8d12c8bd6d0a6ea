/** Bytes of a file in the encodings that spreadsheets write, as UTF-8. */
import { isAscii, isUtf8 } from 'node:buffer';
import { refuseOtherKinds, refuseOtherText } from './file-kind';
import { PeekedSource } from './peeked-source';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** Enough to tell an encoding by, where no line ends earlier. */
const PEEKED_BYTES = 4096;
/** A longer line is judged in parts; the readers refuse it anyway. */
const MAX_LINE_BYTES = 256 * 1024;

/** What a file may be declared as; `utf-16` is of the order that it shows, little-endian where it shows none. */
export type DeclaredEncoding = 'utf-16' | 'utf-16le' | 'utf-16be' | 'windows-1252';

type Encoding = 'utf-16le' | 'utf-16be' | 'utf-8' | 'windows-1252' | 'unknown';

/**
 * The file as UTF-8 without a BOM: UTF-16 of either order, told by its BOM or by its zeros; UTF-8; and line by line what is
 * not valid UTF-8 as Windows-1252, which Excel writes on western systems, unless other lines show that the file means
 * UTF-8: then they pass as they are, and their rows are rejected. What is declared counts in place of a guess, never of a BOM.
 * Lines pass whole. Memory does not grow with the file. `onNote` is told once where Windows-1252 was guessed.
 * Throws VALIDATION_ERROR, with what to do, for archives, workbooks, PDFs, web pages and binary data.
 */
export async function* decodeText(
  source: AsyncIterable<Buffer>,
  onNote: (sentence: string) => void,
  declared?: DeclaredEncoding,
): AsyncGenerator<Buffer> {
  const peeked = new PeekedSource(source);
  try {
    while (!peeked.isWhole && !showsEncoding(peeked.head)) await peeked.readMore();
    refuseOtherKinds(peeked.head);
    const encoding = encodingOf(peeked.head, declared);
    if (encoding === 'utf-16le' || encoding === 'utf-16be') yield* decodeUtf16(peeked, encoding);
    else {
      refuseOtherText(peeked.head);
      yield* new LineDecoder(encoding, onNote).decode(peeked);
    }
  } finally {
    await peeked.close();
  }
}

function showsEncoding(head: Buffer): boolean {
  if (head.length >= PEEKED_BYTES) return true;
  return head.length >= 8 && (head.includes(LINE_FEED) || head.includes(CARRIAGE_RETURN));
}

function encodingOf(head: Buffer, declared: DeclaredEncoding | undefined): Encoding {
  const mark = head.subarray(0, 3).toString('hex');
  if (mark === 'efbbbf') return 'utf-8';
  if (mark.startsWith('fffe')) return 'utf-16le';
  if (mark.startsWith('feff')) return 'utf-16be';
  if (declared !== undefined && declared !== 'utf-16') return declared;
  const shown = encodingByZeros(head.subarray(0, PEEKED_BYTES));
  return shown ?? (declared === 'utf-16' ? 'utf-16le' : 'unknown');
}

/** A header in Latin letters is a zero and a letter by turns in UTF-16, and holds no zero in any other encoding. */
function encodingByZeros(head: Buffer): Encoding | null {
  const zeros = [0, 0];
  head.forEach((byte, index) => {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  const most = Math.floor(head.length / 2) * 0.9;
  if (head.length < 8) return null;
  if (even === 0 && odd >= most) return 'utf-16le';
  return odd === 0 && even >= most ? 'utf-16be' : null;
}

async function* decodeUtf16(
  source: AsyncIterable<Buffer>,
  encoding: 'utf-16le' | 'utf-16be',
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of source) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') yield Buffer.from(text);
  }
  const rest = decoder.decode();
  if (rest !== '') yield Buffer.from(rest);
}

class LineDecoder {
  private hasNoted: boolean;
  private isUtf8: boolean;
  private readonly isWindows1252: boolean;
  private rest: Buffer = Buffer.alloc(0);

  constructor(
    encoding: Encoding,
    private readonly onNote: (sentence: string) => void,
  ) {
    this.isUtf8 = encoding === 'utf-8';
    this.isWindows1252 = encoding === 'windows-1252';
    // What was declared is no guess.
    this.hasNoted = this.isWindows1252;
  }

  async *decode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let isFirst = true;
    for await (const chunk of source) {
      const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
      const end = endOfLines(bytes);
      const lines = isFirst ? withoutMark(bytes.subarray(0, end)) : bytes.subarray(0, end);
      this.rest = bytes.subarray(end);
      if (end === 0) continue;
      isFirst = false;
      yield this.decodeLines(lines);
    }
    if (this.rest.length > 0) yield this.decodeLines(isFirst ? withoutMark(this.rest) : this.rest);
  }

  private decodeLines(bytes: Buffer): Buffer {
    if (isAscii(bytes)) return bytes;
    if (this.isWindows1252) return this.decodeWindows1252Lines(splitAfterLines(bytes));
    if (isUtf8(bytes)) {
      this.isUtf8 = true;
      return bytes;
    }
    const lines = splitAfterLines(bytes);
    this.isUtf8 ||= lines.some(showsUtf8);
    if (this.isUtf8) return bytes;
    return this.decodeWindows1252Lines(lines);
  }

  private decodeWindows1252Lines(lines: readonly Buffer[]): Buffer {
    return Buffer.concat(lines.map((line) => (isAscii(line) ? line : this.decodeWindows1252(line))));
  }

  private decodeWindows1252(line: Buffer): Buffer {
    // Five bytes are nothing in Windows-1252: with one of them, the line is something else yet.
    if (line.some((byte) => UNUSED.has(byte))) return line;
    if (!this.hasNoted) this.onNote(NOT_UTF8);
    this.hasNoted = true;
    const text = line
      .toString('latin1')
      .replace(/[\x80-\x9f]/g, (char) => HIGH.charAt(char.charCodeAt(0) - 0x80));
    return Buffer.from(text);
  }
}

const NOT_UTF8 =
  'The file is not UTF-8 and was read as Windows-1252; if names come out wrong, save it as "CSV UTF-8" and import it again.';

/**
 * What Windows-1252 has at 0x80 to 0x9F; elsewhere it is Latin-1. A table, because TextDecoder takes it for Latin-1 in some
 * versions of Node. Source: https://encoding.spec.whatwg.org/index-windows-1252.txt, https://github.com/nodejs/node/issues/56542
 */
const HIGH = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';
const UNUSED = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).toString('hex') === 'efbbbf' ? bytes.subarray(3) : bytes;
}

/** Where the last whole line ends; 0 where none does yet. An endless line is cut between two characters. */
function endOfLines(bytes: Buffer): number {
  const end = Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(CARRIAGE_RETURN)) + 1;
  if (end > 0 || bytes.length < MAX_LINE_BYTES) return end;
  return endOfCharacters(bytes);
}

/** Where the last character of UTF-8 begins, if it is of several bytes; it may be cut. */
function endOfCharacters(bytes: Buffer): number {
  let cut = bytes.length;
  while (cut > bytes.length - 3 && ((bytes[cut - 1] ?? 0) & 0xc0) === 0x80) cut--;
  return (bytes[cut - 1] ?? 0) >= 0xc0 ? cut - 1 : cut;
}

/** Whether a line has characters of UTF-8 beyond ASCII. The last of a file that was cut may end within one. */
function showsUtf8(line: Buffer): boolean {
  const uncut = line.subarray(0, endOfCharacters(line));
  return [line, uncut].some((part) => isUtf8(part) && !isAscii(part));
}

/** The lines with their breaks. */
function splitAfterLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    const isBreak = byte === LINE_FEED || (byte === CARRIAGE_RETURN && bytes[at + 1] !== LINE_FEED);
    if (!isBreak) continue;
    lines.push(bytes.subarray(from, at + 1));
    from = at + 1;
  }
  if (from < bytes.length) lines.push(bytes.subarray(from));
  return lines;
}
