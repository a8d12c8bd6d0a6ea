import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const MAIN = path.join(__dirname, '..', '..', 'cli', 'dist', 'main.js');

export interface CliOutcome<T> {
  code: number;
  stdout: string;
  stderr: string;
  /** The object on the last line; undefined without `--json`, or after an error. */
  json: T;
}

/** Runs one command of the built CLI with no setting but these. */
export async function runCli<T>(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliOutcome<T>> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  const json = (last.startsWith('{') ? JSON.parse(last) : undefined) as T;
  return { code, stdout, stderr, json };
}
