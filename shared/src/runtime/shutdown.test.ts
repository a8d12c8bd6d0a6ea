import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

const DIST = path.join(__dirname, '..', '..', 'dist', 'runtime');

interface Ended {
  code: number | null;
  lines: { level: string; msg: string; left?: string[] }[];
}

/** Runs a real process that installs the shutdown over the closers given as source text. */
async function run(
  closers: string,
  whenReady: (child: ChildProcess) => void,
  timeoutMs = 60_000,
): Promise<Ended> {
  const script = `
    const { onShutdown } = require(${JSON.stringify(path.join(DIST, 'shutdown'))});
    const { createLogger } = require(${JSON.stringify(path.join(DIST, 'logger'))});
    const logger = createLogger({ level: 'info', name: 'test' });
    const slowly = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    onShutdown([${closers}], { timeoutMs: ${timeoutMs}, logger });
    setInterval(() => {}, 1000);
    logger.info('ready');`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let output = '';
  let ready = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (!ready && output.includes('"ready"')) {
      ready = true;
      whenReady(child);
    }
  });
  const code = await ended;
  const lines = output.trim().split('\n');
  return { code, lines: lines.map((line) => JSON.parse(line) as Ended['lines'][number]) };
}

const FIRST = `{ name: 'first', close: async () => { await slowly(100); logger.info('first closed'); } }`;
const SECOND = `{ name: 'second', close: async () => logger.info('second closed') }`;
const HANGING = `{ name: 'hanging', close: () => new Promise(() => {}) }`;
const FAILING = `{ name: 'failing', close: async () => { throw new Error('no'); } }`;

describe('the shutdown', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('closes in order on %s and exits 0', async (signal) => {
    const { code, lines } = await run(`${FIRST}, ${SECOND}`, (child) => child.kill(signal));
    expect(code).toBe(0);
    const messages = lines.map(({ msg }) => msg);
    expect(messages).toEqual([
      'ready',
      `shutting down: ${signal}`,
      'first closed',
      'second closed',
      'stopped',
    ]);
  });

  it('takes one Ctrl-C that arrives three times as one', async () => {
    const { code } = await run(FIRST, (child) => {
      child.kill('SIGINT');
      setTimeout(() => child.kill('SIGINT'), 10);
      setTimeout(() => child.kill('SIGTERM'), 20);
    });
    expect(code).toBe(0);
  });

  it('gives up after its bound, exits 1 and names what it left behind', async () => {
    const { code, lines } = await run(`${HANGING}, ${SECOND}`, (child) => child.kill('SIGTERM'), 500);
    expect(code).toBe(1);
    expect(lines.at(-1)).toMatchObject({ level: 'error', left: ['hanging', 'second'] });
  });

  it('exits 1 at a second signal', async () => {
    const { code, lines } = await run(HANGING, (child) => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGTERM'), 700);
    });
    expect(code).toBe(1);
    expect(lines.at(-1)?.msg).toContain('second signal');
  });

  it('closes the rest when one fails, exits 1 and names the one', async () => {
    const { code, lines } = await run(`${FAILING}, ${SECOND}`, (child) => child.kill('SIGTERM'));
    expect(code).toBe(1);
    expect(lines.map(({ msg }) => msg)).toContain('second closed');
    expect(lines.at(-1)).toMatchObject({ left: ['failing'] });
  });

  it('exits 1 on an unhandled rejection and logs it', async () => {
    const source = `(setTimeout(() => Promise.reject(new Error('forgotten')), 50), ${SECOND})`;
    const { code, lines } = await run(source, () => undefined);
    expect(code).toBe(1);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', msg: 'unhandled rejection' });
  });
});
