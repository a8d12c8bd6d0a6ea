import { allowLongStatements, inTransaction } from '@leadwell/shared/db/transaction';
import { normaliseEmail, normaliseLinkedinPath } from '@leadwell/shared/domain/question';
import { erasePerson, finishErasures, type ErasureReport } from '@leadwell/shared/suppression/erase-person';
import { findPerson, type ErasureTarget } from '@leadwell/shared/suppression/find-person';
import type { Command } from 'commander';
import { readId } from '../arguments';
import { CliError } from '../errors';
import { writeNote, writeResult, type OutputOptions } from '../output';
import { withDatabase } from '../with-database';

interface EraseOptions extends OutputOptions {
  id?: string;
  email?: string;
  linkedin?: string;
  dryRun?: boolean;
}

/** `leads erase`: forgets a person in every organisation. */
export function addEraseCommand(leads: Command): void {
  leads
    .command('erase')
    .description('forget a person in every organisation, for good; run again, it goes on or changes nothing')
    .option('--id <id>', 'the person is this lead', readId)
    .option('--email <address>', 'the person has this address of their own, found or imported')
    .option('--linkedin <url>', 'the person has this LinkedIn profile')
    .option('--dry-run', 'only show which leads it would be')
    .option('--json', 'print the result as JSON, on the last line')
    .action(erase);
}

async function erase(options: EraseOptions): Promise<void> {
  const target = readTarget(options);
  await withDatabase(async (knex) => {
    if (options.dryRun) {
      const { leads } = await inTransaction(knex, async (trx) => {
        await allowLongStatements(trx);
        return findPerson(trx, target);
      });
      const found = leads.map(({ id: leadId, orgId }) => ({ leadId, orgId }));
      const lines = found.map(({ leadId, orgId }) => `${leadId}  ${orgId ?? 'shared directory'}`);
      return writeResult(
        options,
        { leads: found },
        [`${found.length} leads would be erased.`, ...lines].join('\n'),
      );
    }
    for (const report of await finishErasures(knex))
      writeNote(`Finished an erasure that was broken off: ${describe(report)}`);
    const report = await erasePerson(knex, target, 'cli');
    writeResult(options, report, describe(report));
  });
}

function describe(report: ErasureReport): string {
  const { erasureId, leads, endedEnrichments, refundedCredits, values, attempts, lookups, suppressions } =
    report;
  return (
    `Erasure ${erasureId}: ${leads} leads, ${values} values, ${attempts} attempts and ${lookups} lookups are gone; ` +
    `${endedEnrichments} enrichments ended, ${refundedCredits} credits refunded; ${suppressions} hashes added.`
  );
}

function readTarget({ id, email, linkedin }: EraseOptions): ErasureTarget {
  if ([id, email, linkedin].filter((given) => given !== undefined).length !== 1)
    throw new CliError('Say who: one of --id, --email and --linkedin.');
  if (id !== undefined) return { leadId: id };
  if (email !== undefined) {
    const address = normaliseEmail(email);
    if (address === null) throw new CliError('--email: write an address such as ann@acme.com.');
    return { email: address };
  }
  const path = normaliseLinkedinPath(linkedin ?? null);
  if (path === null)
    throw new CliError('--linkedin: write a public profile such as https://www.linkedin.com/in/ann.');
  return { linkedinUrl: `https://www.linkedin.com${path}` };
}
