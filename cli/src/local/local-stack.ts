/** Which `npm start` runs here: it registers itself, so that other commands of the same directory know of its sandbox. */
import { countUsers, registerUser } from '@leadwell/shared/runtime/server-users';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';

type Place = Readonly<Record<'DATABASE_URL', string | undefined>>;

/** Writes this process down as a stack with a sandbox over this database. Gives the function that takes it off again. */
export function registerSandboxStack(env: Place): () => void {
  return registerUser(directoryOf(env));
}

/** Whether a stack with a sandbox, over this very database, was started from this directory and still lives. */
export function isSandboxStackRunning(env: Place): boolean {
  const directory = directoryOf(env);
  return existsSync(directory) && countUsers(directory) > 0;
}

/** Another database is another deployment: the sandbox of one says nothing about the other. */
function directoryOf({ DATABASE_URL: url }: Place): string {
  const database = url ? createHash('sha256').update(url).digest('hex').slice(0, 16) : 'embedded';
  return path.resolve('.data', 'sandbox-stacks', database);
}
