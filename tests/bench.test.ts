import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const MAIN = path.join(__dirname, '..', 'bench', 'dist', 'main.js');

interface Measure {
  name: string;
  value: number;
  unit: string;
  target: string | null;
  met: boolean | null;
}

async function runBench(args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { code, stderr, lastLine: stdout.trimEnd().split('\n').at(-1) ?? '' };
}

describe('npm run bench', () => {
  // Not every group: what they measure is for who measures, and they grow.
  it('gives every measure of the groups asked for as a number, with its target, on the last line', async () => {
    const groups = ['accept', 'contention'];
    const only = groups.flatMap((group) => ['--only', group]);
    const { code, stderr, lastLine } = await runBench([...only, '--size', 'small', '--json']);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const { measures } = JSON.parse(lastLine) as { measures: Measure[] };
    for (const measure of measures) {
      expect(measure).toMatchObject({
        name: expect.any(String) as string,
        unit: expect.any(String) as string,
      });
      expect(Number.isFinite(measure.value)).toBe(true);
      expect(measure.target === null).toBe(measure.met === null);
    }
    const names = measures.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(names.map((name) => name.split(':')[0]))).toEqual(new Set(groups));
  });

  it('names the groups to whoever asks for one that is not there', async () => {
    const { code, stderr } = await runBench(['--only', 'speed']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no group "speed"\. There are: accept, /);
  });
});
