import { inTransaction } from '@leadwell/shared/db/transaction';
import { addCredits } from '@leadwell/shared/ledger/add-credits';
import type { Command } from 'commander';
import { readAmount, readId, readName } from '../arguments';
import { writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';

interface AddOptions extends OutputOptions {
  org: string;
  amount: number;
  reason?: string;
}

/** `credits add`. */
export function addCreditsCommands(program: Command): void {
  const credits = program.command('credits').description('credits of organisations');
  credits
    .command('add')
    .description('add credits to an organisation')
    .requiredOption('--org <id>', 'whose account', readId)
    .requiredOption('--amount <credits>', 'how many, 1 or more', readAmount)
    .option('--reason <text>', 'for the history', readName)
    .option('--json', 'print the result as JSON, on the last line')
    .action(add);
}

async function add(options: AddOptions): Promise<void> {
  const balance = await withDatabase((knex) =>
    inTransaction(knex, async (trx) => {
      await requireOrganisation(trx, options.org);
      return addCredits(trx, {
        orgId: options.org,
        amountCredits: options.amount,
        source: 'manual',
        description: options.reason ?? '',
      });
    }),
  );
  writeResult(options, { balance }, `Added ${options.amount} credits; the balance is ${balance}.`);
}
