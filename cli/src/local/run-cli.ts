import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './child-process';

/**
 * Runs one command of `npm run cli` in a process of its own and gives the object it prints with `--json`. Throws with
 * what the command said where it fails, unless `acceptFailure` wants the object of a failed command (the audit's).
 */
export async function runCli<T>(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  acceptFailure = false,
): Promise<T> {
  const script = path.join(ROOT, 'cli', 'dist', 'main.js');
  const command = promisify(execFile)(process.execPath, ['--enable-source-maps', script, ...args, '--json'], {
    env: { ...process.env, ...env },
    maxBuffer: 16 * 1024 * 1024,
  });
  const { stdout } = await command.catch((error: { stdout: string; stderr: string; message: string }) => {
    if (acceptFailure && error.stdout) return error;
    throw new Error(`npm run cli -- ${args.slice(0, 2).join(' ')} failed:\n${error.stderr || error.message}`);
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}
