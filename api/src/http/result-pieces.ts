import type { Knex } from '@leadwell/shared/db/database';
import { listResultLines, type ResultLine } from '@leadwell/shared/repositories/request-results';
import { stringify } from 'csv-stringify/sync';
import { guardCell } from './csv-guard';

/** Leads read at a time. */
const PAGE_LEADS = 500;

const COLUMNS: (keyof ResultLine)[] = [
  'leadId',
  'name',
  'status',
  'field',
  'value',
  'provider',
  'verdict',
  'confidence',
  'lineType',
  'flags',
  'foundAt',
  'agreedBy',
];

/** A request's results as lines of JSON, in selection order. */
export async function* resultsNdjson(pages: AsyncGenerator<ResultLine[]>): AsyncGenerator<string> {
  for await (const lines of pages) yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** A request's results as CSV with a header line (RFC 4180), its cells guarded against being run by a spreadsheet. */
export async function* resultsCsv(pages: AsyncGenerator<ResultLine[]>): AsyncGenerator<string> {
  let isFirst = true;
  for await (const lines of pages) {
    yield stringify(lines, {
      header: isFirst,
      columns: COLUMNS,
      record_delimiter: '\r\n',
      cast: {
        string: (text) => String(guardCell(text)),
        object: (list) => String(guardCell((list as unknown as string[]).join(';'))),
        date: (at) => at.toISOString(),
      },
    });
    isFirst = false;
  }
}

/** The result lines of a request of `total` leads, a page at a time; one empty page where it lists none. */
export async function* resultPages(
  knex: Knex,
  request: { orgId: string; requestId: string; total: number },
): AsyncGenerator<ResultLine[]> {
  let from = 0;
  do {
    yield await listResultLines(knex, { ...request, from, count: PAGE_LEADS });
    from += PAGE_LEADS;
  } while (from < request.total);
}
