import { loadConfig } from '@leadwell/shared/config/config';
import { openDatabase } from '@leadwell/shared/db/database';
import type { Field } from '@leadwell/shared/domain/enrichment';
import { listUntakenFields } from '@leadwell/shared/repositories/server-state';
import { findWorkerFault, readHeartbeat } from '@leadwell/shared/runtime/heartbeat-file';
import type { Command } from 'commander';
import { CliError, explainError } from '../errors';
import { writeNote, writeResult, type OutputOptions } from '../output';

const QUESTION_MS = 3_000;

/** `worker-health`: exit code 1 where the worker of this machine that writes WORKER_HEARTBEAT_FILE stands still. */
export function addWorkerHealthCommand(program: Command): void {
  program
    .command('worker-health')
    .description('whether the worker that writes WORKER_HEARTBEAT_FILE works; exit code 1 if not')
    .option('--json', 'print the result as JSON, on the last line')
    .action(checkWorker);
}

async function checkWorker(options: OutputOptions): Promise<void> {
  const { workerHeartbeatFile, databaseUrl } = loadConfig(process.env);
  if (workerHeartbeatFile === undefined)
    throw new CliError('Set WORKER_HEARTBEAT_FILE, to the same path for the worker and for this command.');
  const waiting = databaseUrl === undefined ? [] : await findWaiting(databaseUrl);
  const fault = findWorkerFault(readHeartbeat(workerHeartbeatFile), waiting, Date.now());
  writeResult(options, { ok: fault === null, fault }, fault ?? 'The worker is well.');
  if (fault !== null) process.exitCode = 1;
}

/** None where the database does not answer: a restart of the worker would not bring it back. */
async function findWaiting(url: string): Promise<Field[]> {
  const knex = openDatabase({
    url,
    poolSize: 1,
    applicationName: 'leadwell-cli',
    statementTimeoutMs: QUESTION_MS,
  });
  try {
    return await listUntakenFields(knex);
  } catch (error) {
    writeNote(`Whether work waits is not known: ${explainError(error)}`);
    return [];
  } finally {
    await knex.destroy();
  }
}
