import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from './postgres-server';
import { startOf } from './server-users';

const WAIT_MS = 120_000;

/**
 * Runs `work` while no other process of this machine runs work under the same file. A holder that died loses the lock
 * at once. Throws where the lock is not had within two minutes.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true });
  const startedAt = Date.now();
  while (!(await tryLock(file))) {
    if (Date.now() - startedAt > WAIT_MS)
      throw new Error(`Another process has held ${file} for two minutes.`);
    await delay(50);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function tryLock(file: string): Promise<boolean> {
  if (createLock(file)) return true;
  if (!isStale(file)) return false;
  rmSync(file, { force: true });
  if (!createLock(file)) return false;
  // Two that found the same dead holder may have removed one after the other: whose lock stands, has it.
  await delay(100);
  return readFileSync(file, 'utf8') === ourMark();
}

/** The process, and when it started: after a crash of the machine or its container a later one has the same id, and it may be our own. */
function ourMark(): string {
  return `${process.pid} ${startOf(process.pid)}`;
}

function createLock(file: string): boolean {
  try {
    writeFileSync(file, ourMark(), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(file: string): boolean {
  try {
    const [pid, start] = readFileSync(file, 'utf8').split(' ');
    // Empty: created a moment ago and not yet written, or its writer died in between.
    if (!pid) return Date.now() - statSync(file).mtimeMs > 5_000;
    return !isRunning(Number(pid)) || (start !== undefined && start !== startOf(Number(pid)));
  } catch {
    return false;
  }
}
