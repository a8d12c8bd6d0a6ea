import { audit } from '@leadwell/shared/ledger/audit';
import type { Command } from 'commander';
import { formatTable, writeResult, type OutputOptions } from '../output';
import { withDatabase } from '../with-database';

/** `audit`: exit code 1 where an invariant is violated. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('check the invariants of money and accepted work; exit code 1 if one is violated')
    .option('--json', 'print the result as JSON, on the last line')
    .action(runAudit);
}

async function runAudit(options: OutputOptions): Promise<void> {
  const result = await withDatabase((knex) => audit(knex));
  const rows = result.invariants.map(({ name, violations }) => [name, String(violations)]);
  const verdict = result.ok ? 'Everything adds up.' : 'Something does not add up: see the violations above.';
  writeResult(options, result, `${formatTable(['INVARIANT', 'VIOLATIONS'], rows)}\n${verdict}`);
  if (!result.ok) process.exitCode = 1;
}
