/** What the processes of a deployment cost: time on a core, commits and statements. */
import { readFileSync } from 'node:fs';
import type { LocalProcess } from '@leadwell/cli/local/child-process';
import { query } from '@leadwell/shared/db/database';
import type { BenchDatabase } from './bench-database';

export interface Usage {
  /** Transactions that the database has committed; readers count too. */
  commits: number;
  /** Seconds on a core by kind of process. Empty where the system keeps no /proc. */
  cpuSeconds: Readonly<Record<string, number>>;
}

/** The processes of a deployment by kind. */
export type ProcessKinds = Readonly<Record<string, readonly LocalProcess[]>>;

/** Reads what the processes of each kind have taken since they began, and PostgreSQL with all its backends. */
export async function readUsage(database: BenchDatabase, kinds: ProcessKinds): Promise<Usage> {
  const [row] = await query<{ commits: number; backend: number }>(
    database.knex,
    'SELECT xact_commit AS commits, pg_backend_pid() AS backend FROM pg_stat_database WHERE datname = current_database()',
  );
  const { commits = 0, backend = 0 } = row ?? {};
  return { commits, cpuSeconds: readCpuSeconds(kinds, backend) };
}

/** What was taken between two readings. */
export function usageBetween(before: Usage, after: Usage): Usage {
  const kinds = Object.entries(after.cpuSeconds);
  return {
    commits: after.commits - before.commits,
    cpuSeconds: Object.fromEntries(
      kinds.map(([kind, seconds]) => [kind, seconds - (before.cpuSeconds[kind] ?? 0)]),
    ),
  };
}

function readCpuSeconds(kinds: ProcessKinds, backend: number): Usage['cpuSeconds'] {
  try {
    const ours = Object.entries(kinds).map(
      ([kind, processes]) =>
        [kind, sum(processes.map(({ pid }) => (pid === undefined ? 0 : ownSeconds(pid))))] as const,
    );
    return Object.fromEntries([...ours, ['PostgreSQL', postgresSeconds(backend)]]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** Of the postmaster's children, those that have ended are in its own account: also who ends while the others are read. */
function postgresSeconds(backend: number): number {
  const postmaster = readStat(backend).parent;
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  const running = sum(children.map((pid) => secondsOfChild(Number(pid))));
  return readStat(postmaster).endedSeconds + running;
}

function secondsOfChild(pid: number): number {
  try {
    return ownSeconds(pid);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}

function ownSeconds(pid: number): number {
  return readStat(pid).ownSeconds;
}

/** Linux tells times in hundredths of a second, whatever its kernel ticks. Source: proc(5), time(7). */
const TICKS_PER_SECOND = 100;

function readStat(pid: number): { parent: number; ownSeconds: number; endedSeconds: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The process's name, in brackets, may hold anything.
  const [, parent, ...fields] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [own, ended] = [fields.slice(9, 11), fields.slice(11, 13)];
  return {
    parent: parent as number,
    ownSeconds: sum(own) / TICKS_PER_SECOND,
    endedSeconds: sum(ended) / TICKS_PER_SECOND,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
