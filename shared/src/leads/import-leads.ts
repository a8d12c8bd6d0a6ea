import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from '../db/database';
import { classifyDatabaseError } from '../db/sql-state';
import { notFound } from '../domain/errors';
import { analyseLeads } from '../repositories/lead-writes';
import { findOrganisation } from '../repositories/organisations-admin';
import type { ImportCounts } from './chunk-plan';
import { CompanyDecisions } from './company-decisions';
import { importChunk, keyRow, type KeyedRow } from './import-chunk';
import type { ReadRow, Rejection } from './lead-row';
import { readCsv, type FileTerms } from './read-csv';
import { readNdjson } from './read-ndjson';

export type { ImportCounts } from './chunk-plan';
export type { Rejection } from './lead-row';

const ROWS_PER_CHUNK = 1000;
/** Read before the database's answers are looked for: read by the block of a file, rows kept it waiting for a third of an import. */
const ROWS_PER_TURN = 20;
/** Fewer new rows than this do not mislead the planner. */
const ANALYSE_FROM_ROWS = 1000;

export interface ImportRequest extends FileTerms {
  /** Whose leads they become; null: the shared directory, which every organisation sees. */
  orgId: string | null;
  source: AsyncIterable<Buffer>;
  format: 'csv' | 'ndjson';
  /** After each chunk that is committed, with the counts so far. */
  onProgress?: (counts: ImportCounts) => void;
  /** For each row that was not imported. Not in line order: what the database decides comes with its chunk. */
  onRejected?: (rejection: Rejection) => void;
}

/**
 * Imports leads from a stream, in chunks of one transaction each; memory does not grow with the file. Good rows are
 * kept, bad ones reported. Idempotent: run again, all is unchanged; so a broken import is simply repeated. Any number may
 * run at once. An organisation's import neither reads nor writes the directory or another organisation's leads.
 * Gives how many rows did what; blank rows are not counted.
 * Throws NOT_FOUND for an unknown organisation and VALIDATION_ERROR for a file that is none of leads; errors of the
 * source and of the database pass through, with the chunks before them kept.
 */
export async function importLeads(knex: Knex, request: ImportRequest): Promise<ImportCounts> {
  const { orgId, source, format } = request;
  if (orgId !== null && !(await findOrganisation(knex, orgId))) throw notFound(`The organisation ${orgId}`);
  const rows = format === 'csv' ? readCsv(source, request) : readNdjson(source, request);
  const run = new ImportRun(knex, request);
  await run.importAll(rows);
  if (run.counts.inserted >= ANALYSE_FROM_ROWS) await analyseLeads(knex);
  return run.counts;
}

class ImportRun {
  readonly counts: ImportCounts = { inserted: 0, updated: 0, unchanged: 0, rejected: 0 };
  private readonly decisions = new CompanyDecisions();

  constructor(
    private readonly knex: Knex,
    private readonly request: ImportRequest,
  ) {}

  /** While the database works on one chunk, the next is read. */
  async importAll(rows: AsyncIterable<ReadRow>): Promise<void> {
    let chunk: KeyedRow[] = [];
    let writing = Promise.resolve();
    try {
      for await (const row of rows) {
        if ('rejection' in row) this.reject(row.rejection);
        else chunk.push(keyRow(row.lead));
        if (chunk.length % ROWS_PER_TURN === 0) await nextTurn();
        if (chunk.length < ROWS_PER_CHUNK) continue;
        await writing;
        writing = this.importChunk(chunk);
        // Its rejection is met by the next await; until then it must not count as unhandled.
        writing.catch(() => undefined);
        chunk = [];
      }
    } finally {
      await writing;
    }
    if (chunk.length > 0) await this.importChunk(chunk);
  }

  private async importChunk(rows: readonly KeyedRow[]): Promise<void> {
    await this.importHalving(rows);
    this.request.onProgress?.({ ...this.counts });
  }

  /** A row that PostgreSQL will not store must not take its chunk along: halves are tried until it stands alone. */
  private async importHalving(rows: readonly KeyedRow[]): Promise<void> {
    try {
      const plan = await importChunk(this.knex, this.request.orgId, rows, this.decisions);
      this.decisions.add(plan.decided);
      const counts = plan.count();
      for (const name of ['inserted', 'updated', 'unchanged'] as const) this.counts[name] += counts[name];
      for (const rejection of plan.rejections) this.reject(rejection);
    } catch (error) {
      const [first] = rows;
      if (!first || !isUnstorable(error)) throw error;
      if (rows.length === 1) return this.reject({ line: first.row.line, column: null, message: UNSTORABLE });
      const middle = Math.ceil(rows.length / 2);
      await this.importHalving(rows.slice(0, middle));
      await this.importHalving(rows.slice(middle));
    }
  }

  private reject(rejection: Rejection): void {
    this.counts.rejected++;
    this.request.onRejected?.(rejection);
  }
}

const UNSTORABLE = 'The row holds a value that the database cannot store; shorten its longest texts.';

/** Data exceptions (class 22) and program limits (54, such as an index entry over its size). */
function isUnstorable(error: unknown): boolean {
  if (classifyDatabaseError(error) !== 'other') return false;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^(22|54)/.test(code);
}
