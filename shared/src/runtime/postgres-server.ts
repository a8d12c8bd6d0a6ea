/**
 * One PostgreSQL server process of ours: initialised, launched and stopped by hand, on loopback only. It runs in a
 * session of its own, so that Ctrl-C in a terminal reaches our processes and not the database under them.
 */
import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chownSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { preparePostgresBinaries } from './postgres-binaries';
import { createPrivateDirectory, postgresUser } from './postgres-user';

const START_TIMEOUT_MS = 60_000;

/** Settings of the server by name, as in postgresql.conf. */
export type PostgresSettings = Readonly<Record<string, string | number>>;

/**
 * Fills an empty directory, owned by the server's user, with a new cluster whose only role is `leadwell`.
 * `throwaway`: for tests; nothing is flushed to disk, and passwords are not hashed at every connection.
 */
export async function initialisePostgres(
  dataDirectory: string,
  password: string,
  kind: 'durable' | 'throwaway',
): Promise<void> {
  const user = postgresUser();
  const { initdb } = preparePostgresBinaries(user);
  const secrets = createPrivateDirectory('leadwell-pw-', user);
  const passwordFile = path.join(secrets, 'password');
  try {
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (user) chownSync(passwordFile, user.uid, user.gid);
    // The built-in C.UTF-8 locale sorts and folds alike on every machine; the system's may be missing or differ.
    const speed = kind === 'durable' ? ['--auth=scram-sha-256'] : ['--auth=password', '--no-sync'];
    const args = ['-D', dataDirectory, '-U', 'leadwell', `--pwfile=${passwordFile}`, ...speed];
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    await promisify(execFile)(initdb, [...args, ...locale], { ...user, cwd: '/', env: serverEnvironment() });
  } finally {
    rmSync(secrets, { recursive: true, force: true });
  }
}

/**
 * Starts the server on a port of 127.0.0.1 and waits until it accepts connections. Its log goes to `server.log`
 * in the data directory. Gives the postmaster's process id. Throws with the log's last lines if it does not start.
 */
export async function launchPostgres(
  dataDirectory: string,
  port: number,
  settings: PostgresSettings = {},
): Promise<number> {
  const user = postgresUser();
  const { postgres } = preparePostgresBinaries(user);
  const logFile = path.join(dataDirectory, 'server.log');
  const log = openSync(logFile, 'w', 0o600);
  const all: PostgresSettings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings };
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(postgres, ['-D', dataDirectory, '-p', String(port), ...args], {
    ...user,
    cwd: '/',
    env: serverEnvironment(),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended = false;
  child.on('error', () => (ended = true)).on('exit', () => (ended = true));
  child.unref();
  const startedAt = Date.now();
  while (readPostmaster(dataDirectory)?.ready !== child.pid) {
    if (ended || Date.now() - startedAt > START_TIMEOUT_MS) throw startFailure(logFile, child.pid);
    await delay(20);
  }
  return child.pid as number;
}

function startFailure(logFile: string, pid: number | undefined): Error {
  if (pid !== undefined) signalProcess(pid, 'SIGQUIT');
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5);
  return new Error(`PostgreSQL did not start. Its last log lines:\n${lines.join('\n')}`);
}

/** What `postmaster.pid` says: the process, its port, and the process again once it accepts connections. */
export interface Postmaster {
  pid: number;
  port: number;
  ready: number | undefined;
}

/** The server that the data directory's `postmaster.pid` names, running or not; undefined without the file. */
export function readPostmaster(dataDirectory: string): Postmaster | undefined {
  try {
    const lines = readFileSync(path.join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' ? pid : undefined };
  } catch {
    return undefined;
  }
}

/**
 * Stops the server: `fast` rolls back what is open and writes a checkpoint, `immediate` is a crash. Resolves when it
 * is gone (its pid file or its process), whoever started it; throws after 20 s.
 */
export async function stopPostgres(
  dataDirectory: string,
  pid: number,
  mode: 'fast' | 'immediate',
): Promise<void> {
  signalProcess(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  const startedAt = Date.now();
  while (readPostmaster(dataDirectory)?.pid === pid && isRunning(pid)) {
    if (Date.now() - startedAt > 20_000)
      throw new Error(`PostgreSQL (process ${pid}) did not stop within 20 s.`);
    await delay(20);
  }
}

/** Whether a process exists, ours or another's. A process that died and was not yet collected counts as existing. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Sends a signal to a process; one that is gone already is no fault. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Below those that systems give to outgoing connections (Linux from 32768, others from 49152). A port of these may be taken
 * by any connection before its use, or while a server restarts; and who tries again and again to reach a server that is
 * away may be given its very port, connect to itself, and keep it.
 */
const FREE_PORTS = { from: 15_000, below: 32_000 };

/** A port of 127.0.0.1 that nobody listens on now, the wanted one if it is free. Another may take it before its use: be ready to try again. */
export async function findFreePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await canListen(wanted))) return wanted;
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(FREE_PORTS.from, FREE_PORTS.below);
    if (await canListen(port)) return port;
  }
  throw new Error(`No port from ${FREE_PORTS.from} to ${FREE_PORTS.below} is free.`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) =>
      ['EADDRINUSE', 'EACCES'].includes(error.code ?? '') ? resolve(false) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Nothing of ours reaches the server: PG* variables and locales of the shell would change what it does. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'SystemRoot', 'TEMP', 'TMP'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}
