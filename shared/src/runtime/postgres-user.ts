/**
 * PostgreSQL refuses to run as root. Started by root (a container, a CI machine), it runs as the system user
 * `postgres`, created if absent; started by anybody else, it simply runs.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Who the server runs as; undefined: ourselves. */
export interface RunAs {
  uid: number;
  gid: number;
}

/** Where root's servers keep what must lie outside directories such as /root, which `postgres` cannot enter. */
export const ROOT_STATE_DIRECTORY = '/var/lib/leadwell';

/**
 * The user that PostgreSQL must run as: undefined unless we are root. Creates the system user `postgres` if it is
 * absent. Throws if that is impossible.
 */
export function postgresUser(): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = findUser();
  if (existing) return existing;
  const created = createUser();
  if (!created) {
    throw new Error(
      'PostgreSQL does not run as root and the system user "postgres" could not be created. ' +
        'Run this as an ordinary user, or set DATABASE_URL.',
    );
  }
  return created;
}

function findUser(): RunAs | undefined {
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, 'postgres'], { stdio: 'pipe' }).toString());
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function createUser(): RunAs | undefined {
  const commands: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', 'postgres']],
    ['adduser', ['-S', '-D', '-H', '-s', '/bin/false', 'postgres']],
  ];
  for (const [command, args] of commands) {
    try {
      execFileSync(command, args, { stdio: 'pipe' });
      return findUser();
    } catch {
      // The other command, or another process that just created it.
    }
  }
  return findUser();
}

/** Whether the user can enter a directory: every directory above it must let it through. Always true for ourselves. */
export function canEnter(directory: string, user: RunAs | undefined): boolean {
  if (!user) return true;
  let current = realpathSync(directory);
  for (;;) {
    const { mode, uid, gid } = statSync(current);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    const parent = path.dirname(current);
    if (parent === current) return true;
    current = parent;
  }
}

/** A new private directory that the user owns and can enter. It is nobody's to remove but the caller's. */
export function createPrivateDirectory(prefix: string, user: RunAs | undefined, parent = tmpdir()): string {
  const base = canEnter(parent, user) ? parent : ROOT_STATE_DIRECTORY;
  mkdirSync(base, { recursive: true, mode: 0o755 });
  const directory = mkdtempSync(path.join(base, prefix));
  if (user) chownSync(directory, user.uid, user.gid);
  return directory;
}
