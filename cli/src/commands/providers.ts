import { loadConfig } from '@leadwell/shared/config/config';
import { allowLongStatements, inTransaction } from '@leadwell/shared/db/transaction';
import {
  listProviderAccounts,
  listProviderPerformance,
} from '@leadwell/shared/repositories/provider-reports';
import type { Command } from 'commander';
import { readId, readSince } from '../arguments';
import { findDeployment } from '../find-deployment';
import { writeResult, type OutputOptions } from '../output';
import { combineAccounts } from '../providers/combine-accounts';
import { combineFields } from '../providers/combine-fields';
import { describeAccounts, describeFields } from '../providers/describe';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';

interface ProvidersOptions extends OutputOptions {
  org?: string;
  since: Date;
}

const DEFAULT_SINCE = '24h';

/** `providers`: what came of asking each, and whether it is asked now. */
export function addProvidersCommand(program: Command): void {
  program
    .command('providers')
    .description('what came of asking each provider, what it cost, and how much of its limits is used now')
    .option('--org <id>', 'of one organisation (default: all); limits and breakers are everybody’s', readId)
    .option(
      '--since <time>',
      `ISO 8601, or a span such as 90m, 24h, 7d (default: ${DEFAULT_SINCE})`,
      readSince,
      readSince(DEFAULT_SINCE),
    )
    .option('--json', 'print the result as JSON, on the last line')
    .action(showProviders);
}

async function showProviders(options: ProvidersOptions): Promise<void> {
  const { org: orgId = null, since } = options;
  const deployment = findDeployment(loadConfig(process.env), process.env);
  const { fields, accounts } = await withDatabase(async (knex) => {
    if (orgId !== null) await requireOrganisation(knex, orgId);
    return inTransaction(knex, async (trx) => {
      await allowLongStatements(trx);
      return {
        fields: combineFields(await listProviderPerformance(trx, { since, orgId }), deployment),
        accounts: combineAccounts(await listProviderAccounts(trx), deployment),
      };
    });
  });
  const text = [
    `Since ${since.toISOString()}, of ${orgId === null ? 'all organisations' : `organisation ${orgId}`}:`,
    '',
    describeFields(fields),
    '',
    'Now, of all organisations together:',
    '',
    describeAccounts(accounts),
    ...(deployment
      ? []
      : ['', 'What PROVIDERS_FILE sets cannot be read here; `npm run cli -- doctor` says why.']),
  ];
  writeResult(options, { since, orgId, fields, accounts }, text.join('\n'));
}
