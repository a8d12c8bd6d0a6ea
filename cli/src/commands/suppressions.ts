import type { Knex } from '@leadwell/shared/db/database';
import {
  guessKind,
  hashSuppressible,
  SUPPRESSIBLE_KINDS,
  type SuppressionHash,
} from '@leadwell/shared/domain/suppression';
import {
  insertSuppressions,
  listSuppressions,
  removeSuppression,
  type Suppression,
} from '@leadwell/shared/repositories/suppressions';
import type { Command } from 'commander';
import { createInterface } from 'node:readline';
import { readId, readLimit, readName } from '../arguments';
import { CliError } from '../errors';
import { openImportFile } from '../import-file';
import { formatTable, writeNote, writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';

interface ScopeOptions extends OutputOptions {
  org?: string;
}

type ValueOptions = ScopeOptions & { [Kind in (typeof SUPPRESSIBLE_KINDS)[number]]?: string };

/** `suppressions add`, `list`, `remove`, `import`. Without `--org` an entry holds for every organisation. */
export function addSuppressionsCommands(program: Command): void {
  const suppressions = program.command('suppressions').description('whom nobody is asked about');
  const withValue = (command: Command): Command =>
    withScope(command)
      .option('--email <address>', 'an e-mail address')
      .option('--domain <domain>', 'a domain, of e-mail addresses and of the company')
      .option('--phone <number>', 'a telephone number with its country code')
      .option('--linkedin <url>', 'a LinkedIn profile');
  withValue(suppressions.command('add').description('suppress one value'))
    .option('--reason <text>', 'for the list; name nobody here', readName)
    .action(add);
  withScope(suppressions.command('list').description('list entries, the newest first; values are not known'))
    .option('--limit <n>', 'how many at most', readLimit, 100)
    .action(list);
  withValue(suppressions.command('remove').description('lift one entry, by its value or by its id'))
    .option('--id <id>', 'as the list shows it', readId)
    .action(remove);
  withScope(suppressions.command('import').description('suppress every value of a file, one a line'))
    .argument('<file>', 'CSV of one column: addresses, domains, numbers and profiles; - reads standard input')
    .option('--reason <text>', 'for the list; name nobody here', readName)
    .action(importFile);
}

function withScope(command: Command): Command {
  return command
    .option('--org <id>', 'for this organisation alone (default: for every one)', readId)
    .option('--json', 'print the result as JSON, on the last line');
}

async function add(options: ValueOptions & { reason?: string }): Promise<void> {
  const hash = readValue(options);
  const added = await inScope(options, (knex, orgId) => write(knex, orgId, [hash], options.reason));
  writeResult(options, { added }, added === 1 ? 'Added.' : 'It was there already.');
}

async function list(options: ScopeOptions & { limit: number }): Promise<void> {
  const suppressions = await inScope(options, (knex, orgId) => listSuppressions(knex, orgId, options.limit));
  const headings = ['ID', 'KIND', 'SOURCE', 'BY', 'SINCE', 'REASON'];
  const text =
    suppressions.length > 0 ? formatTable(headings, suppressions.map(toCells)) : 'There are no entries.';
  writeResult(options, { suppressions }, text);
}

function toCells({ id, kind, source, createdBy, createdAt, reason }: Suppression): string[] {
  return [id, kind, source, createdBy, createdAt.toISOString().slice(0, 10), reason];
}

async function remove(options: ValueOptions & { id?: string }): Promise<void> {
  const { id } = options;
  const isRemoved = await inScope(options, (knex, orgId) =>
    removeSuppression(knex, id === undefined ? { orgId, hash: readValue(options).hash } : { id }),
  );
  if (!isRemoved)
    throw new CliError(
      'There is no such entry; look with `npm run cli -- suppressions list`, for every organisation without --org.',
    );
  writeResult(options, { removed: 1 }, 'Removed. A new order asks again.');
}

const ENTRIES_AT_ONCE = 1000;

async function importFile(path: string, options: ScopeOptions & { reason?: string }): Promise<void> {
  const file = await openImportFile(path, 'csv');
  const counts = { added: 0, unchanged: 0, rejected: 0 };
  await inScope(options, async (knex, orgId) => {
    let hashes: SuppressionHash[] = [];
    const flush = async (): Promise<void> => {
      const added = await write(knex, orgId, hashes, options.reason);
      counts.added += added;
      counts.unchanged += hashes.length - added;
      hashes = [];
    };
    let line = 0;
    for await (const text of createInterface({ input: file.stream, crlfDelay: Infinity })) {
      const value = readCell(text);
      line++;
      const hash = value === '' ? null : hashSuppressible(guessKind(value), value);
      if (hash) hashes.push(hash);
      else if (value !== '' && !isHeader(line, value)) {
        counts.rejected++;
        writeNote(
          `line ${line}: no address, domain, number with country code, or LinkedIn profile; correct it.`,
        );
      }
      if (hashes.length === ENTRIES_AT_ONCE) await flush();
    }
    await flush();
  });
  const { added, unchanged, rejected } = counts;
  writeResult(options, counts, `${added} added, ${unchanged} unchanged, ${rejected} rejected.`);
}

function readCell(line: string): string {
  return line
    .replace(/^\ufeff/, '')
    .trim()
    .replace(/[,;\t]+$/, '')
    .replace(/^"(.*)"$/, '$1')
    .trim();
}

/** A first line without anything that a value holds names the column. */
function isHeader(line: number, value: string): boolean {
  return line === 1 && /^[\p{L} _-]+$/u.test(value);
}

function readValue(options: ValueOptions): SuppressionHash {
  const given = SUPPRESSIBLE_KINDS.filter((kind) => options[kind] !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1)
    throw new CliError('Give one of --email, --domain, --phone and --linkedin.');
  const hash = hashSuppressible(kind, options[kind] ?? '');
  if (!hash) throw new CliError(`--${kind}: ${ADVICE[kind]}`);
  return hash;
}

const ADVICE = {
  email: 'write an address such as ann@acme.com.',
  domain: 'write a domain such as acme.com.',
  phone: 'write the number with its country code, such as +49 30 1234567.',
  linkedin: 'write a public profile such as https://www.linkedin.com/in/ann.',
};

function write(
  knex: Knex,
  orgId: string | null,
  hashes: readonly SuppressionHash[],
  reason = '',
): Promise<number> {
  const origin = { source: 'operator' as const, reason, createdBy: 'cli', erasureId: null };
  return insertSuppressions(
    knex,
    hashes.map((hash) => ({ ...hash, orgId })),
    origin,
  );
}

function inScope<T>(
  options: ScopeOptions,
  work: (knex: Knex, orgId: string | null) => Promise<T>,
): Promise<T> {
  return withDatabase(async (knex) => {
    if (options.org !== undefined) await requireOrganisation(knex, options.org);
    return work(knex, options.org ?? null);
  });
}
