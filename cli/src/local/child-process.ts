import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const KEPT_LINES = 25;
/** As `npm run api` and `npm run worker` do. */
const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=16'];
/** The repository, from `cli/dist/local`. */
export const ROOT = path.join(__dirname, '..', '..', '..');

/** One of our processes, started by `demo` or `start`. */
export interface LocalProcess {
  name: string;
  /** Undefined where it could not be started. */
  pid: number | undefined;
  /** Resolves when it has ended, on whomever's wish. */
  ended: Promise<void>;
  hasEnded(): boolean;
  /** How it ended and the last lines it wrote: for a person who must find out why. */
  describeEnd(): string;
  /** Asks it to end, and kills it where it has not within the time. True: it ended by itself. */
  stop(timeoutMs: number): Promise<boolean>;
}

export interface ProcessOptions {
  name: string;
  /** The compiled file, from the repository's root. */
  script: string;
  env: Readonly<Record<string, string>>;
  /** Where all it writes goes. Undefined: only the last lines are kept. */
  logFile?: string | undefined;
}

/**
 * Starts a Node process in a session of its own: Ctrl-C reaches only us, and we end the processes in their order. It
 * ends by itself when this process dies without a word.
 */
export function startProcess(options: ProcessOptions): LocalProcess {
  const preload = path.join(__dirname, 'end-with-parent.js');
  const script = path.join(ROOT, options.script);
  const child = spawn(process.execPath, [...NODE_FLAGS, '--require', preload, script], {
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const lines = keepLastLines(child, options.logFile);
  let end: string | undefined;
  const ended = new Promise<void>((resolve) => {
    const finish = (how: string): void => {
      end ??= how;
      resolve();
    };
    child.on('error', (error) => finish(`could not be started: ${error.message}`));
    child.on('close', (code, signal) =>
      finish(signal ? `was ended by ${signal}` : `ended with code ${code}`),
    );
  });
  return {
    name: options.name,
    pid: child.pid,
    ended,
    hasEnded: () => end !== undefined,
    describeEnd: () => [`${options.name} ${end ?? 'is running'}. Its last lines:`, ...lines].join('\n'),
    stop: (timeoutMs) => stopChild(child, ended, timeoutMs),
  };
}

async function stopChild(child: ChildProcess, ended: Promise<void>, timeoutMs: number): Promise<boolean> {
  let killed = false;
  const timer = setTimeout(() => {
    killed = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
  return !killed;
}

function keepLastLines(child: ChildProcess, logFile: string | undefined): string[] {
  const kept: string[] = [];
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { mode: 0o600 });
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      log?.write(`${line}\n`);
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
    });
  }
  child.on('close', () => log?.end());
  return kept;
}
