/** Which processes use the embedded server: one file each, so that the last to leave stops it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isRunning } from './postgres-server';

let registrations = 0;

/** Writes this process down as a user. Gives the function that takes it off again. */
export function registerUser(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `${process.pid}-${++registrations}`);
  writeFileSync(file, startOf(process.pid));
  return () => rmSync(file, { force: true });
}

/** How many users are alive. Files of those that died without leaving (kill -9) are removed. */
export function countUsers(directory: string): number {
  const alive = readdirSync(directory).filter((name) => {
    const pid = Number(name.split('-')[0]);
    const file = path.join(directory, name);
    // A later process may have been given the same id: its start differs.
    if (isRunning(pid) && readFileSync(file, 'utf8') === startOf(pid)) return true;
    rmSync(file, { force: true });
    return false;
  });
  return alive.length;
}

/** When a process started, in the kernel's own unit; empty where the system does not tell, which then counts as equal. */
export function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name, may hold spaces and parentheses; the start is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
