import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { waitUntil } from '@leadwell/shared/testing/wait-until';

let child: ChildProcess | undefined;
afterEach(() => void child?.kill('SIGKILL'));

/** The built process with these settings; resolves with what it has written when `until` matches or it has ended. */
async function run(env: Record<string, string>, until: RegExp): Promise<string> {
  const started = spawn(process.execPath, [path.join(__dirname, '../sandbox/dist/main.js')], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let written = '';
  return new Promise((resolve) => {
    const add = (chunk: Buffer): void => {
      written += chunk.toString();
      if (until.test(written)) resolve(written);
    };
    started.stdout.on('data', add);
    started.stderr.on('data', add);
    started.once('close', () => resolve(written));
  });
}

/** Whatever is left of it. */
function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}

describe('npm run sandbox', () => {
  it('serves at the pace it is told, and stops on SIGTERM', async () => {
    const written = await run({ SANDBOX_PORT: '0', SANDBOX_PACE: '2' }, /invented/);
    const [, base] = /on (http:\S+), limits × 2/.exec(written) ?? [];
    const response = await fetch(`${base}/leadmagic/v1/credits`, { headers: { 'x-api-key': 'sandbox-a' } });
    expect(await response.json()).toEqual({ credits: 1_000_000 });
    const stats = (await (await fetch(`${base}/_control/stats`)).json()) as { accounts: object[] };
    expect(stats.accounts).toMatchObject([{ windows: [{ amount: 10_000 }, { amount: 6000 }] }]);
    child?.kill('SIGTERM');
    const [code] = (await once(child as ChildProcess, 'exit')) as [number | null];
    expect(code).toBe(0);
  });

  it('ends at once on SIGTERM with a call that it would never answer', async () => {
    const written = await run({ SANDBOX_PORT: '0' }, /invented/);
    const [, base] = /on (http:\S+),/.exec(written) ?? [];
    const fault = { kind: 'hang' };
    await fetch(`${base}/_control/faults`, { method: 'POST', body: JSON.stringify(fault) });
    const person = 'domain=acme.example&first_name=Ada&last_name=Byron';
    const hanging = fetch(`${base}/hunter/v2/email-finder?${person}&api_key=sandbox-a`);
    const isAsked = async (): Promise<boolean> =>
      ((await (await fetch(`${base}/_control/faults`)).json()) as { played: number }[])[0]?.played === 1;
    await waitUntil(isAsked, { message: 'the call to hang' });
    const exited = once(child as ChildProcess, 'exit') as Promise<[number | null]>;
    child?.kill('SIGTERM');
    await expect(hanging).rejects.toThrow();
    expect((await exited)[0]).toBe(0);
  });

  it('ends where a signal reached only the shell that npm started it in', async () => {
    const shell = spawn('sh', ['-c', 'node scripts/run.mjs sandbox; exit'], {
      cwd: path.join(__dirname, '..'),
      env: { PATH: process.env['PATH'], SANDBOX_PORT: '0', npm_lifecycle_event: 'sandbox' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    try {
      await once(shell.stdout, 'data');
      shell.kill('SIGTERM');
      // The output closes when the last that writes to it has ended.
      await once(shell.stdout.resume(), 'close');
      expect(shell.signalCode).toBe('SIGTERM');
    } finally {
      endGroup(shell);
    }
  });

  it('names every setting that is wrong, and ends', async () => {
    const written = await run({ SANDBOX_PORT: 'x', SANDBOX_PACE: '0' }, /never/);
    expect(written).toMatch(/SANDBOX_PORT[^]*SANDBOX_PACE/);
    expect(child?.exitCode).toBe(1);
  });
});
