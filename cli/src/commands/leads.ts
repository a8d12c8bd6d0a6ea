import type { Knex } from '@leadwell/shared/db/database';
import { deleteAllLeads, deleteLeads } from '@leadwell/shared/leads/delete-leads';
import { importLeads } from '@leadwell/shared/leads/import-leads';
import { countOwnLeads, listOwnLeads, type OwnLead } from '@leadwell/shared/repositories/lead-removal';
import { Option, type Command } from 'commander';
import { readId, readIds, readLimit } from '../arguments';
import { CliError } from '../errors';
import { openImportFile, type ImportFile } from '../import-file';
import { ImportProgress } from '../import-progress';
import { formatTable, writeNote, writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { addEraseCommand } from './erase';
import { withDatabase } from '../with-database';

interface ImportOptions extends OutputOptions {
  org?: string;
  format?: ImportFile['format'];
}

interface ListOptions extends OutputOptions {
  org: string;
  limit: number;
}

interface DeleteOptions extends OutputOptions {
  org: string;
  id?: string[];
  all?: boolean;
}

/** `leads import`, `leads list`, `leads delete`, `leads erase`. */
export function addLeadsCommands(program: Command): void {
  const leads = program.command('leads').description('leads');
  leads
    .command('import')
    .description('import leads from CSV or NDJSON; run again, it changes nothing')
    .argument('<file>', 'the file; - reads standard input, and then --format is needed')
    .option('--org <id>', 'make them visible to this organisation alone (default: shared directory)', readId)
    .addOption(new Option('--format <format>', 'where the name does not tell').choices(['csv', 'ndjson']))
    .option('--json', 'print the result as JSON, on the last line')
    .action(runImport);
  leads
    .command('list')
    .description('list leads of an organisation’s own, in the order of their import')
    .requiredOption('--org <id>', 'whose leads', readId)
    .option('--limit <n>', 'how many at most', readLimit, 100)
    .option('--json', 'print the result as JSON, on the last line')
    .action(listLeads);
  leads
    .command('delete')
    .description('delete leads of an organisation’s own; what was enriched stays in its history')
    .requiredOption('--org <id>', 'whose leads', readId)
    .option('--id <ids>', 'these, separated by commas; may be repeated', readIds)
    .option('--all', 'all of its own')
    .option('--json', 'print the result as JSON, on the last line')
    .action(removeLeads);
  addEraseCommand(leads);
}

async function runImport(path: string, options: ImportOptions): Promise<void> {
  const file = await openImportFile(path, options.format);
  const progress = new ImportProgress(file);
  const counts = await withDatabase(async (knex) => {
    if (options.org !== undefined) await requireOrganisation(knex, options.org);
    return importLeads(knex, {
      orgId: options.org ?? null,
      source: file.stream,
      format: file.format,
      formatWords: { csv: '--format csv', ndjson: '--format ndjson' },
      onProgress: (soFar) => progress.show(soFar),
      onRejected: (rejection) => progress.noteRejected(rejection),
      onIgnoredColumns: (headers) => progress.noteIgnored(headers),
      onNote: (sentence) => progress.noteFile(sentence),
    });
  })
    .catch((error: unknown) => {
      progress.noteKept();
      throw error;
    })
    .finally(() => {
      progress.stop();
      file.stream.destroy();
    });
  const { inserted, updated, unchanged, rejected } = counts;
  if (progress.isRestUnread) process.exitCode = 1;
  writeResult(
    options,
    { inserted, updated, unchanged, rejected },
    `${inserted} inserted, ${updated} updated, ${unchanged} unchanged, ${rejected} rejected.`,
  );
}

async function listLeads(options: ListOptions): Promise<void> {
  const { leads, total } = await withDatabase(async (knex) => {
    await requireOrganisation(knex, options.org);
    const page = await listOwnLeads(knex, options.org, options.limit);
    return { leads: page, total: await countOwnLeads(knex, options.org) };
  });
  const headings = ['LEAD ID', 'NAME', 'TITLE', 'COMPANY', 'E-MAIL', 'IMPORTED'];
  const more = total > leads.length ? `\n${leads.length} of ${total}; --limit shows more.` : '';
  const text = leads.length > 0 ? formatTable(headings, leads.map(toCells)) + more : 'There are no leads.';
  writeResult(options, { leads, total }, text);
}

function toCells(lead: OwnLead): string[] {
  const day = lead.importedAt.toISOString().slice(0, 10);
  return [lead.leadId, lead.name, lead.jobTitle ?? '', lead.companyName ?? '', lead.emails[0] ?? '', day];
}

async function removeLeads(options: DeleteOptions): Promise<void> {
  const { org, id: ids, all } = options;
  if ((ids === undefined) === (all !== true))
    throw new CliError(
      'Say which leads: either --id <ids>, or --all for every lead of this organisation’s own.',
    );
  const deleted = await withDatabase(async (knex) => {
    await requireOrganisation(knex, org);
    return ids ? deleteLeads(knex, org, ids) : deleteEvery(knex, org);
  });
  writeResult(options, { deleted }, `${deleted} deleted.`);
}

async function deleteEvery(knex: Knex, orgId: string): Promise<number> {
  let kept = 0;
  try {
    return await deleteAllLeads(knex, orgId, (deleted) => (kept = deleted));
  } catch (error) {
    if (kept > 0) writeNote(`${kept} were deleted before this:`);
    throw error;
  }
}
