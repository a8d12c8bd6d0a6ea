import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { CliError } from './errors';

export interface ImportFile {
  stream: Readable;
  format: 'csv' | 'ndjson';
  /** Null for standard input. */
  sizeBytes: number | null;
  /** How much was read so far. */
  readBytes(): number;
}

const FORMATS: Readonly<Record<string, ImportFile['format']>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.tab': 'csv',
  '.txt': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
};

/** Opens a file for import, `-` for standard input. Throws CliError, with what to do, where it cannot be read. */
export async function openImportFile(name: string, format?: ImportFile['format']): Promise<ImportFile> {
  const file = name === '-' ? null : await openForReading(name);
  const known = format ?? FORMATS[path.extname(name).toLowerCase()];
  if (!known) {
    await file?.close();
    throw new CliError(adviseOnName(name));
  }
  if (!file) return { stream: process.stdin, format: known, sizeBytes: null, readBytes: () => 0 };
  const { size: sizeBytes } = await file.stat();
  const stream = file.createReadStream({ highWaterMark: 256 * 1024 });
  return { stream, format: known, sizeBytes, readBytes: () => stream.bytesRead };
}

const WORKBOOKS = ['.xlsx', '.xlsm', '.xls', '.ods', '.numbers'];

function adviseOnName(name: string): string {
  const extension = path.extname(name).toLowerCase();
  if (WORKBOOKS.includes(extension))
    return `${name} is a workbook; open it in a spreadsheet, save the sheet as "CSV UTF-8" and import that file. If it is CSV under another name, add --format csv.`;
  if (extension === '.json')
    return `${name} may be one JSON array; write one object a line (jq -c ".[]" FILE) and import that with --format ndjson.`;
  return `The name ${name} does not tell its format; add --format csv or --format ndjson.`;
}

async function openForReading(name: string) {
  try {
    const file = await openWhereRun(name);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new CliError(`There is no file ${name}; check the path.`);
    if (code === 'EACCES' || code === 'EPERM')
      throw new CliError(`The file ${name} may not be read; change its permissions.`);
    if (code !== 'EISDIR') throw error;
  }
  throw new CliError(`${name} is no file; name a CSV or NDJSON file.`);
}

/** `npm run` changes to the repository's root and keeps in INIT_CWD where it was run: a relative path may mean either. */
async function openWhereRun(name: string) {
  try {
    return await open(name);
  } catch (error) {
    const runIn = process.env['INIT_CWD'];
    if (runIn === undefined || path.isAbsolute(name)) throw error;
    return open(path.resolve(runIn, name));
  }
}
