import { inTransaction } from '@leadwell/shared/db/transaction';
import { API_KEY_SCOPES } from '@leadwell/shared/domain/api-key';
import { addCredits } from '@leadwell/shared/ledger/add-credits';
import { readCreditStanding, setLowCreditsThreshold } from '@leadwell/shared/repositories/credits';
import {
  insertApiKey,
  insertOrganisation,
  listOrganisations,
} from '@leadwell/shared/repositories/organisations-admin';
import type { Command } from 'commander';
import { readId, readLimit, readName, readOpeningCredits } from '../arguments';
import { formatTable, writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';
import { addOrgWaterfallCommand } from './org-waterfall';

/** `org create`: an organisation, its first API key and its credits, all or none. `org list`: whose id is which. `org threshold`: when one is low on credits. */
export function addOrgCommands(program: Command): void {
  const org = program.command('org').description('organisations');
  org
    .command('create')
    .description('create an organisation with an API key')
    .requiredOption('--name <name>', 'what it is called', readName)
    .option('--credits <amount>', 'credits to begin with', readOpeningCredits, 0)
    .option('--json', 'print the result as JSON, on the last line')
    .action(createOrganisation);
  org
    .command('list')
    .description('list organisations with their ids and balances')
    .option('--limit <n>', 'how many at most', readLimit, 1000)
    .option('--json', 'print the result as JSON, on the last line')
    .action(showOrganisations);
  org
    .command('threshold')
    .description('warn in the log when a debit takes the balance below this, and say so in the balance')
    .requiredOption('--org <id>', 'whose account', readId)
    .requiredOption('--credits <amount>', 'the threshold; 0 takes it away', readOpeningCredits)
    .option('--json', 'print the result as JSON, on the last line')
    .action(setThreshold);
  addOrgWaterfallCommand(org);
}

async function showOrganisations(options: OutputOptions & { limit: number }): Promise<void> {
  const organisations = await withDatabase((knex) => listOrganisations(knex, options.limit));
  const rows = organisations.map(({ orgId, name, balance, lowCreditsThreshold, createdAt }) => [
    orgId,
    name,
    String(balance),
    lowCreditsThreshold === null ? '' : String(lowCreditsThreshold),
    createdAt.toISOString().slice(0, 10),
  ]);
  const headings = ['ORGANISATION', 'NAME', 'BALANCE', 'LOW BELOW', 'CREATED'];
  writeResult(
    options,
    { organisations },
    rows.length > 0 ? formatTable(headings, rows) : 'There are no organisations.',
  );
}

async function setThreshold(options: OutputOptions & { org: string; credits: number }): Promise<void> {
  const { org: orgId, credits } = options;
  const lowCreditsThreshold = credits === 0 ? null : credits;
  const standing = await withDatabase(async (knex) => {
    await requireOrganisation(knex, orgId);
    await setLowCreditsThreshold(knex, orgId, lowCreditsThreshold);
    return readCreditStanding(knex, orgId);
  });
  const { balanceCredits: balance, isLow: low } = standing;
  writeResult(
    options,
    { lowCreditsThreshold, balance, low },
    `${lowCreditsThreshold === null ? 'No threshold' : `Threshold ${lowCreditsThreshold}`}; the balance is ${balance}${low ? ', which is low' : ''}.`,
  );
}

async function createOrganisation(options: OutputOptions & { name: string; credits: number }): Promise<void> {
  const created = await withDatabase((knex) =>
    inTransaction(knex, async (trx) => {
      const orgId = await insertOrganisation(trx, options.name);
      if (options.credits > 0) {
        const amountCredits = options.credits;
        await addCredits(trx, { orgId, amountCredits, source: 'manual', description: 'Opening credits' });
      }
      const { apiKey } = await insertApiKey(trx, {
        orgId,
        userName: 'owner',
        scopes: API_KEY_SCOPES,
        expiresAt: null,
      });
      return { orgId, apiKey };
    }),
  );
  writeResult(
    options,
    created,
    `Created ${options.name} with ${options.credits} credits.\n` +
      `Organisation  ${created.orgId}\nAPI key       ${created.apiKey}\nThe key is shown only now: keep it.`,
  );
}
