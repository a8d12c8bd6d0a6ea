import { askableWaterfall } from '@leadwell/providers/askable';
import { listWaterfallFaults } from '@leadwell/providers/waterfall-faults';
import { loadConfig } from '@leadwell/shared/config/config';
import { inTransaction } from '@leadwell/shared/db/transaction';
import { FIELDS, type Field } from '@leadwell/shared/domain/enrichment';
import type { AskableWaterfall } from '@leadwell/shared/domain/waterfall';
import {
  deleteOwnWaterfall,
  listOwnWaterfalls,
  saveOwnWaterfall,
} from '@leadwell/shared/repositories/organisation-waterfalls';
import { Option, type Command } from 'commander';
import { readId, readProviderNames } from '../arguments';
import { CliError } from '../errors';
import { findDeployment } from '../find-deployment';
import { formatTable, writeNote, writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';

interface WaterfallOptions extends OutputOptions, Partial<Record<Field, string[]>> {
  org: string;
  reset?: Field[];
}

/** Names in order; null where the deployment's order counts. */
type OwnOrders = Record<Field, string[] | null>;

/** `org waterfall`: shows and sets whom one organisation has asked, in which order. */
export function addOrgWaterfallCommand(org: Command): void {
  org
    .command('waterfall')
    .description('show or set whom an organisation has asked, in its own order instead of the deployment’s')
    .requiredOption('--org <id>', 'whose', readId)
    .option(
      '--emails <names>',
      'providers of e-mail addresses, in order, separated by commas',
      readProviderNames,
    )
    .option('--phones <names>', 'providers of phone numbers, likewise', readProviderNames)
    .addOption(new Option('--reset <field...>', 'back to the deployment’s order').choices([...FIELDS]))
    .option('--json', 'print the result as JSON, on the last line')
    .action(runWaterfall);
}

async function runWaterfall(options: WaterfallOptions): Promise<void> {
  const faults = listFaults(options);
  if (faults.length > 0) throw new CliError(`Nothing was changed.\n${faults.join('\n')}`);
  const own = await withDatabase(async (knex) => {
    await requireOrganisation(knex, options.org);
    return inTransaction(knex, async (trx) => {
      for (const field of options.reset ?? []) await deleteOwnWaterfall(trx, options.org, field);
      for (const field of FIELDS) {
        const providers = options[field];
        if (providers) await saveOwnWaterfall(trx, { orgId: options.org, field, providers });
      }
      const kept = await listOwnWaterfalls(trx, options.org, FIELDS.length);
      const namesOf = (field: Field) => kept.find((one) => one.field === field)?.providers ?? null;
      return { emails: namesOf('emails'), phones: namesOf('phones') };
    });
  });
  const found = findDeployment(loadConfig(process.env), process.env);
  const deployment = found && askableWaterfall(found);
  if (deployment) noteUnconfigured(own, deployment);
  writeResult(options, { orgId: options.org, ...own }, describe(own, deployment));
}

function listFaults(options: WaterfallOptions): string[] {
  return FIELDS.flatMap((field) => {
    const names = options[field];
    if (!names) return [];
    const isReset = options.reset?.includes(field) ?? false;
    const both = isReset ? [`${field}: set it or reset it, not both.`] : [];
    return [...listWaterfallFaults(field, names), ...both];
  });
}

function noteUnconfigured(own: OwnOrders, { configured }: AskableWaterfall): void {
  for (const field of FIELDS) {
    const known = configured[field].map(({ name }) => name);
    const missing = (own[field] ?? []).filter((name) => !known.includes(name));
    if (missing.length > 0)
      writeNote(
        `Not configured in PROVIDERS_FILE: ${missing.join(', ')}. Leads pass them over, and end failed and refunded where nobody else finds ${field}; add them there and restart the API and the workers.`,
      );
  }
}

function describe(own: OwnOrders, deployment: AskableWaterfall | undefined): string {
  const rows = FIELDS.map((field) => {
    const names = own[field] ?? deployment?.[field].map(({ name }) => name);
    return [
      field,
      names?.join(', ') ?? 'as PROVIDERS_FILE says',
      own[field] ? 'its own' : 'the deployment’s',
    ];
  });
  return formatTable(['FIELD', 'PROVIDERS', 'WHOSE ORDER'], rows);
}
