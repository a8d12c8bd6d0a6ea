import type { Config } from '@leadwell/shared/config/config';
import { openDatabase } from '@leadwell/shared/db/database';
import { queueLocation } from '@leadwell/shared/queue/batch-queues';
import { listQueueFaults } from '@leadwell/shared/queue/check-queue';
import { resolveDatabaseUrl } from '@leadwell/shared/runtime/embedded-postgres';
import type { Command } from 'commander';
import { checkMonths } from '../doctor/check-months';
import { checkBooks, checkDatabase, checkDisk, checkMigrations } from '../doctor/check-server';
import { checkConfiguration, checkProvidersFile } from '../doctor/check-settings';
import { checkWaterfalls } from '../doctor/check-waterfalls';
import { checkBreakers, checkWork } from '../doctor/check-work';
import { ok, wrong, type Finding } from '../doctor/finding';
import { writeResult, type OutputOptions } from '../output';

/** `doctor`: looks at everything that keeps work from moving; exit code 1 if anything is wrong. Changes nothing. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('look for what is wrong and say what to do; exit code 1 if anything is')
    .option('--json', 'print the result as JSON, on the last line')
    .action(runDoctor);
}

async function runDoctor(options: OutputOptions): Promise<void> {
  const { config, findings } = checkConfiguration(process.env);
  if (config) findings.push(...checkProvidersFile(config, process.env), ...(await checkServers(config)));
  const isWell = findings.every(({ level }) => level !== 'wrong');
  writeResult(options, { ok: isWell, findings }, describe(findings, isWell));
  if (!isWell) process.exitCode = 1;
}

async function checkServers(config: Config): Promise<Finding[]> {
  const database = await resolveDatabaseUrl(config);
  const knex = openDatabase({ url: database.url, poolSize: 2, applicationName: 'leadwell-cli' });
  try {
    const findings = await checkDatabase(knex);
    const isAnswering = findings.some(({ check, level }) => check === 'database' && level === 'ok');
    if (isAnswering) {
      const migrations = await checkMigrations(knex);
      findings.push(migrations);
      if (migrations.level === 'ok') findings.push(...(await checkContents(knex, config)));
    }
    if (isAnswering || config.redisUrl !== undefined)
      findings.push(...(await checkQueue(config, database.url)));
    return findings;
  } finally {
    await knex.destroy();
    await database.release();
  }
}

async function checkContents(knex: Parameters<typeof checkBooks>[0], config: Config): Promise<Finding[]> {
  return [
    ...(await checkWork(knex)),
    await checkMonths(knex),
    ...(await checkBreakers(knex)),
    ...(await checkWaterfalls(knex, config, process.env)),
    ...(await checkBooks(knex)),
    await checkDisk(knex),
  ];
}

async function checkQueue(config: Config, databaseUrl: string): Promise<Finding[]> {
  const where = config.redisUrl === undefined ? 'PostgreSQL' : 'Redis';
  const faults = await listQueueFaults(queueLocation(config, databaseUrl));
  if (faults.length === 0) return [ok('queue', `The queue in ${where} answers.`)];
  return faults.map((fault) => {
    const [finding = fault, action = ''] = fault.split(/: (.*)/s);
    return wrong('queue', `${finding}.`, action.charAt(0).toUpperCase() + action.slice(1));
  });
}

const MARKS: Record<Finding['level'], string> = { ok: 'ok   ', note: 'note ', wrong: 'WRONG' };

function describe(findings: readonly Finding[], isWell: boolean): string {
  const lines = findings.map(({ check, level, finding, action }) => {
    const line = `${MARKS[level]}  ${check.padEnd(14)}  ${finding}`;
    return action === null ? line : `${line}\n${' '.repeat(23)}→ ${action}`;
  });
  const count = findings.filter(({ level }) => level === 'wrong').length;
  return [...lines, '', isWell ? 'Nothing is wrong.' : `${count} wrong: see above.`].join('\n');
}
