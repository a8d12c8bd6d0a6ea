import { Command } from 'commander';
import { addAuditCommand } from './commands/audit';
import { addBatchesCommand } from './commands/batches';
import { addCreditsCommands } from './commands/credits';
import { addDataCommands } from './commands/data';
import { addDoctorCommand } from './commands/doctor';
import { addKeyCommands } from './commands/key';
import { addLeadsCommands } from './commands/leads';
import { addMigrateCommand } from './commands/migrate';
import { addOrgCommands } from './commands/org';
import { addProvidersCommand } from './commands/providers';
import { addRequestsCommand } from './commands/requests';
import { addSuppressionsCommands } from './commands/suppressions';
import { addWorkerHealthCommand } from './commands/worker-health';
import { explainError } from './errors';
import { writeNote } from './output';

void main();

/** The administration commands. Results go to stdout, everything else to stderr; exit code 1 after any error. */
async function main(): Promise<void> {
  const program = new Command('npm run cli --')
    .description('Administration of leadwell.')
    .showHelpAfterError('(add --help for more)');
  addOrgCommands(program);
  addKeyCommands(program);
  addCreditsCommands(program);
  addLeadsCommands(program);
  addSuppressionsCommands(program);
  addRequestsCommand(program);
  addBatchesCommand(program);
  addProvidersCommand(program);
  addAuditCommand(program);
  addDataCommands(program);
  addDoctorCommand(program);
  addWorkerHealthCommand(program);
  addMigrateCommand(program);
  try {
    await program.parseAsync();
  } catch (error) {
    writeNote(explainError(error));
    process.exitCode = 1;
  }
}
