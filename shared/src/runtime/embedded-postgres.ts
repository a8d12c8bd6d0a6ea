/**
 * The PostgreSQL that runs where DATABASE_URL is unset: binaries from npm, data in `.data/`, loopback only, a random
 * password in a file that only we can read. Our processes share one server; the last to leave stops it.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Config } from '../config/config';
import { withFileLock } from './file-lock';
import {
  findFreePort,
  initialisePostgres,
  isRunning,
  launchPostgres,
  readPostmaster,
  stopPostgres,
} from './postgres-server';
import { canEnter, createPrivateDirectory, postgresUser } from './postgres-user';
import { countUsers, registerUser } from './server-users';

const DATABASE = 'leadwell';
/** For the API and several workers with the default pool. */
const SETTINGS = { max_connections: 200 };

export interface ResolvedDatabase {
  url: string;
  /** To be called once no connection is needed any more; the last user's call stops an embedded server. Idempotent. */
  release(): Promise<void>;
}

/** What is remembered of the embedded server in `.data/postgres.json`, readable by its owner only. */
interface Cluster {
  dataDirectory: string;
  password: string;
}

/**
 * The database to use: DATABASE_URL if it is set, else the embedded server's, which is started if it does not run.
 * Starting takes about a second, and the first time one more. A server left by a killed process is used again; a
 * crashed one recovers; users that died do not count.
 */
export async function resolveDatabaseUrl(
  config: Pick<Config, 'databaseUrl'>,
  directory: string = path.resolve('.data'),
): Promise<ResolvedDatabase> {
  if (config.databaseUrl) return { url: config.databaseUrl, release: () => Promise.resolve() };
  const lockFile = path.join(directory, 'postgres.lock');
  const users = path.join(directory, 'postgres-users');
  return withFileLock(lockFile, async () => {
    const leave = registerUser(users);
    try {
      const cluster = await prepareCluster(directory);
      const url = await connectOrLaunch(cluster);
      const release = async (): Promise<void> => {
        leave();
        await withFileLock(lockFile, () => stopIfUnused(cluster.dataDirectory, users));
      };
      return { url, release: once(release) };
    } catch (error) {
      leave();
      throw error;
    }
  });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

async function stopIfUnused(dataDirectory: string, users: string): Promise<void> {
  const postmaster = readPostmaster(dataDirectory);
  if (countUsers(users) === 0 && postmaster) await stopPostgres(dataDirectory, postmaster.pid, 'fast');
}

/** The cluster on disk, made at the first call. One that was cut off while it was made is made anew. */
async function prepareCluster(directory: string): Promise<Cluster> {
  const file = path.join(directory, 'postgres.json');
  const known = readCluster(file);
  if (known) return known;
  const user = postgresUser();
  const place = canEnter(directory, user)
    ? createOwned(path.join(directory, 'postgres'), user)
    : createPrivateDirectory('postgres-', user, directory);
  const cluster = { dataDirectory: place, password: randomBytes(24).toString('hex') };
  await initialisePostgres(cluster.dataDirectory, cluster.password, 'durable');
  // Written last and whole: its existence says that the cluster is complete.
  writeFileSync(`${file}.new`, JSON.stringify(cluster, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return cluster;
}

function readCluster(file: string): Cluster | undefined {
  if (!existsSync(file)) return undefined;
  const cluster = JSON.parse(readFileSync(file, 'utf8')) as Cluster;
  if (existsSync(path.join(cluster.dataDirectory, 'PG_VERSION'))) return cluster;
  throw new Error(
    `${file} names ${cluster.dataDirectory}, which holds no database (was the directory moved?). ` +
      'Put it back, or remove the file to begin with an empty database.',
  );
}

function createOwned(place: string, user: { uid: number; gid: number } | undefined): string {
  // Only ever half-made, and never used: a complete one would be named in postgres.json.
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true, mode: 0o700 });
  if (user) chownSync(place, user.uid, user.gid);
  return place;
}

async function connectOrLaunch(cluster: Cluster): Promise<string> {
  const { dataDirectory } = cluster;
  const postmaster = readPostmaster(dataDirectory);
  if (postmaster && isPostmasterOf(postmaster.pid, dataDirectory)) {
    await waitForReady(cluster, postmaster.port);
    return urlOf(cluster, postmaster.port, DATABASE);
  }
  // Left by a crash. PostgreSQL itself would refuse to start where its id now belongs to another process.
  rmSync(path.join(dataDirectory, 'postmaster.pid'), { force: true });
  // Where it was before its crash: processes that run since look for it there.
  const port = await findFreePort(postmaster?.port);
  await launchPostgres(dataDirectory, port, SETTINGS);
  await waitForReady(cluster, port);
  return urlOf(cluster, port, DATABASE);
}

function isPostmasterOf(pid: number, dataDirectory: string): boolean {
  if (!isRunning(pid)) return false;
  try {
    const command = existsSync('/proc/self/cmdline')
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)]).toString();
    return command.includes(dataDirectory);
  } catch {
    return false;
  }
}

/** Waits until the server answers (after a crash it first recovers) and makes the database if it is not there. */
async function waitForReady(cluster: Cluster, port: number): Promise<void> {
  const startedAt = Date.now();
  for (;;) {
    try {
      return await ensureDatabase(urlOf(cluster, port, 'postgres'));
    } catch (error) {
      const { code } = error as { code?: string };
      const isStarting = code === '57P03' || code === 'ECONNREFUSED';
      if (!isStarting || Date.now() - startedAt > 60_000) throw error;
      await delay(50);
    }
  }
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (!rowCount) await admin.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await admin.end();
  }
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgres://leadwell:${cluster.password}@127.0.0.1:${port}/${database}`;
}
