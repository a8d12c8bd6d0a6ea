import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { waitUntil } from '../testing/wait-until';
import { resolveDatabaseUrl } from './embedded-postgres';
import { isRunning, readPostmaster, signalProcess } from './postgres-server';

const EMBEDDED = { databaseUrl: undefined };

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('the embedded PostgreSQL', () => {
  let directory: string;
  const dataDirectory = (): string =>
    (JSON.parse(readFileSync(path.join(directory, 'postgres.json'), 'utf8')) as { dataDirectory: string })
      .dataDirectory;
  const serverPid = (): number | undefined => readPostmaster(dataDirectory())?.pid;

  beforeEach(() => {
    // A space, as a checkout's path may have one.
    const checkout = mkdtempSync(path.join(tmpdir(), 'leadwell embedded '));
    chmodSync(checkout, 0o755);
    directory = path.join(checkout, '.data');
  });
  afterEach(() => {
    if (existsSync(path.join(directory, 'postgres.json'))) rmSync(dataDirectory(), { recursive: true });
    rmSync(path.dirname(directory), { recursive: true });
  });

  it('is left alone where DATABASE_URL is set', async () => {
    const database = await resolveDatabaseUrl({ databaseUrl: 'postgres://elsewhere/x' }, directory);
    expect(database.url).toBe('postgres://elsewhere/x');
    await database.release();
  });

  it('is shared by its users, keeps its data, and stops with the last of them', async () => {
    const [one, two] = await Promise.all([
      resolveDatabaseUrl(EMBEDDED, directory),
      resolveDatabaseUrl(EMBEDDED, directory),
    ]);
    expect(two.url).toBe(one.url);
    expect(statSync(path.join(directory, 'postgres.json')).mode & 0o777).toBe(0o600);
    await query(one.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await one.release();
    await one.release();
    expect(await query(two.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await two.release();
    expect(serverPid()).toBeUndefined();

    const again = await resolveDatabaseUrl(EMBEDDED, directory);
    expect(await query(again.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await again.release();
  });

  it('works where the server’s user cannot enter the checkout, as under /root', async () => {
    chmodSync(path.dirname(directory), 0o700);
    const database = await resolveDatabaseUrl(EMBEDDED, directory);
    expect(await query(database.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await database.release();
  });

  it('recovers from kill -9 of the server where it was, also when its process id now belongs to another', async () => {
    const first = await resolveDatabaseUrl(EMBEDDED, directory);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const pid = serverPid() as number;
    signalProcess(pid, 'SIGKILL');
    await waitUntil(() => !isRunning(pid), { message: 'the server is gone' });
    const pidFile = path.join(dataDirectory(), 'postmaster.pid');
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(String(pid), String(process.ppid)));

    const second = await resolveDatabaseUrl(EMBEDDED, directory);
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(second.url).toBe(first.url);
    await first.release();
    expect(isRunning(serverPid() as number)).toBe(true);
    await second.release();
    expect(serverPid()).toBeUndefined();
  });

  it('is stopped by the last living user, though another was killed without leaving', async () => {
    const script = `
      const { resolveDatabaseUrl } = require('./shared/dist/runtime/embedded-postgres');
      resolveDatabaseUrl({ databaseUrl: undefined }, process.argv[1]).then(() => {
        console.log('ready');
        setInterval(() => {}, 1000);
      });`;
    const other = spawn(process.execPath, ['-e', script, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => other.stdout.once('data', resolve));
    const mine = await resolveDatabaseUrl(EMBEDDED, directory);
    other.kill('SIGKILL');
    await new Promise((resolve) => other.once('exit', resolve));
    expect(await query(mine.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await mine.release();
    expect(serverPid()).toBeUndefined();
  });
});
