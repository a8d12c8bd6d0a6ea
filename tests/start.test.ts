import { findFreePort, isRunning, readPostmaster } from '@leadwell/shared/runtime/postgres-server';
import { guardProcess } from '@leadwell/shared/testing/guard';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { type ChildProcess, execFileSync, spawnSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const START = path.join(__dirname, '..', 'cli', 'dist', 'start.js');

/** `npm start` in a directory of its own, on a port of its own. */
class LocalStart {
  output = '';
  private readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(directory: string, env: Record<string, string>) {
    this.child = spawn(process.execPath, [START], {
      cwd: directory,
      env: { ...process.env, DATABASE_URL: '', REDIS_URL: '', ...env },
      stdio: 'pipe',
    });
    guardProcess(this.child);
    const read = (chunk: Buffer): void => void (this.output += chunk.toString());
    this.child.stdout?.on('data', read);
    this.child.stderr?.on('data', read);
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** The line that shows what was found. */
  lastCurlLine(): string {
    return this.output.match(/^curl .*$/gm)?.at(-1) ?? '';
  }

  async curlLine(): Promise<string> {
    const exited = this.ended.then(() => {
      throw new Error(`npm start ended early:\n${this.output}`);
    });
    const found = waitUntil(() => /^curl .*$/m.exec(this.output)?.[0], {
      timeoutMs: 120_000,
      message: 'a curl line',
    });
    return Promise.race([found, exited]);
  }

  descendants(): number[] {
    const rows = execFileSync('ps', ['-eo', 'pid=,ppid=']).toString().trim().split('\n');
    const children = rows.map((row) => row.trim().split(/\s+/).map(Number));
    return children.filter(([, parent]) => parent === this.child.pid).map(([pid]) => pid as number);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

interface Row {
  id: string;
  orgId: string;
  status: string;
}

/** Runs the line as a shell does when a person pastes it. */
function paste(curlLine: string): Row[] {
  return JSON.parse(execFileSync('bash', ['-c', curlLine]).toString()) as Row[];
}

describe('npm start', () => {
  let directory: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'leadwell start '));
    chmodSync(directory, 0o755);
    env = { PORT: String(await findFreePort()), SANDBOX_PACE: '20' };
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const dataDirectory = (): string => {
    const file = readFileSync(path.join(directory, '.data', 'postgres.json'), 'utf8');
    return (JSON.parse(file) as { dataDirectory: string }).dataDirectory;
  };

  it('prints a curl line that works when pasted, stops cleanly on Ctrl-C, keeps everything, and leaves no process of its own when it is killed', async () => {
    const first = new LocalStart(directory, env);
    const line = await first.curlLine();
    const accepted = paste(line);
    expect(accepted).toHaveLength(5);
    const finished = await waitUntil(
      () => {
        const rows = paste(line);
        return rows.every(({ status }) => status !== 'pending') && rows;
      },
      { message: 'the five enrichments end' },
    );
    expect(finished.map(({ id }) => id)).toEqual(accepted.map(({ id }) => id));
    expect(execFileSync('bash', ['-c', first.lastCurlLine()]).toString()).toMatch(/"emails":\["\S+@/);
    expect(statSync(path.join(directory, '.data', 'organisation.json')).mode & 0o777).toBe(0o600);

    // In another shell of the same directory: nothing says there that a sandbox is allowed.
    const doctor = (): string => {
      const options = { cwd: directory, env: { PATH: process.env['PATH'] } };
      const script = path.join(path.dirname(START), 'main.js');
      return spawnSync(process.execPath, [script, 'doctor'], options).stdout.toString();
    };
    expect(doctor()).toMatch(/note +providers file +`npm start` runs here with a sandbox/);
    expect(doctor()).toMatch(/Nothing is wrong/);

    const processes = first.descendants();
    expect(processes.length).toBeGreaterThanOrEqual(3);
    first.kill('SIGINT');
    expect(await first.ended).toBe(0);
    expect(processes.filter(isRunning)).toEqual([]);
    expect(readPostmaster(dataDirectory())).toBeUndefined();

    const second = new LocalStart(directory, env);
    expect(await second.curlLine()).toBe(line);
    expect(paste(line)).toEqual(finished);
    const left = second.descendants().filter((pid) => pid !== readPostmaster(dataDirectory())?.pid);
    expect(left.length).toBeGreaterThanOrEqual(3);
    second.kill('SIGKILL');
    await waitUntil(() => !left.some(isRunning), { message: 'its processes end' });
    // The database stays up for the next start, as documented; this test ends it.
    process.kill(readPostmaster(dataDirectory())?.pid as number, 'SIGQUIT');
    await waitUntil(() => readPostmaster(dataDirectory()) === undefined, { message: 'the database ends' });
  });

  it('says so where the port is taken, and exits 1', async () => {
    const start = new LocalStart(directory, {
      ...env,
      PORT: new URL(process.env['TEST_POSTGRES_URL'] ?? '').port,
    });
    expect(await start.ended).toBe(1);
    expect(start.output).toMatch(/^Port \d+ is taken/m);
  });
});
