/** Refuses files that are no text of rows, each with what to do instead. */
import { AppError } from '../domain/errors';

const SAVE_AS_CSV = 'open it in a spreadsheet, save the sheet as "CSV UTF-8" and import that file.';
const PICTURE = 'The file is a picture; export the leads as CSV and import that file.';

/**
 * How a file begins, in hexadecimal, and what it is then.
 * Source: https://www.iana.org/assignments/media-types and https://en.wikipedia.org/wiki/List_of_file_signatures
 */
const SIGNATURES: readonly (readonly [hex: string, message: string])[] = [
  ['504b0304', `The file is an Excel workbook (.xlsx) or another ZIP archive; ${SAVE_AS_CSV}`],
  ['504b0506', 'The file is an empty ZIP archive; export the leads again, as CSV.'],
  ['d0cf11e0', `The file is an Excel workbook (.xls); ${SAVE_AS_CSV}`],
  [
    '25504446',
    'The file is a PDF; export the leads as CSV from where the PDF was made, and import that file.',
  ],
  ['89504e47', PICTURE],
  ['ffd8ff', PICTURE],
  ['47494638', PICTURE],
  ['1f8b', 'The file is compressed with gzip; unpack it first (gunzip), then import what was in it.'],
  ['28b52ffd', 'The file is compressed with zstd; unpack it first, then import what was in it.'],
  ['377abcaf', 'The file is a 7-Zip archive; unpack it first, then import what was in it.'],
  ['52617221', 'The file is a RAR archive; unpack it first, then import what was in it.'],
  ['7b5c727466', `The file is a text document (RTF); ${SAVE_AS_CSV}`],
  ['fffe0000', 'The file is UTF-32; save it as UTF-8 and import it again.'],
  ['0000feff', 'The file is UTF-32; save it as UTF-8 and import it again.'],
];

const MARKUP = /^\s*<(?:!doctype|html|table|\?xml|head|body|meta|workbook)/i;
/** More of these than this is no text: a picture, a database, a program. */
const MAX_CONTROL_SHARE = 0.1;

/** Throws VALIDATION_ERROR where the beginning of a file is that of an archive, a workbook, a document or binary data. */
export function refuseOtherKinds(head: Buffer): void {
  const hex = head.subarray(0, 8).toString('hex');
  const signature = SIGNATURES.find(([start]) => hex.startsWith(start));
  if (signature) throw refusal(signature[1]);
}

/** As refuseOtherKinds, for what only shows once the encoding is known. */
export function refuseOtherText(head: Buffer): void {
  if (isBinary(head))
    throw refusal('The file holds binary data, no text; export the leads as CSV and import that file.');
  if (MARKUP.test(head.subarray(0, 1000).toString('latin1')))
    throw refusal(`The file is a web page or XML, whatever its name says; ${SAVE_AS_CSV}`);
}

/** The error for a file that is not what its reader takes. */
export function refusal(message: string): AppError {
  return new AppError('VALIDATION_ERROR', message);
}

/** A NUL in the first line, or many control characters. A single stray one further down spoils only its row. */
function isBinary(head: Buffer): boolean {
  const firstLine = head.indexOf(10) < 0 ? head : head.subarray(0, head.indexOf(10));
  if (firstLine.includes(0)) return true;
  const sample = head.subarray(0, 4096);
  const controls = sample.reduce((count, byte) => count + Number(isControl(byte)), 0);
  return controls > sample.length * MAX_CONTROL_SHARE;
}

function isControl(byte: number): boolean {
  return (byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13) || byte === 127;
}
