import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';

/** Runs when its input ends: the kernel closes that when whoever started it goes away, however it dies. */
function startGuard(script: string, ...args: string[]): Writable {
  const guard = spawn('sh', ['-c', `trap '' INT TERM HUP; ${script}`, 'guard', ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.stdin.on('error', () => undefined);
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard.stdin;
}

const END_SERVER = `read -r gone && exit; kill -QUIT "$1"; sleep 1; kill -KILL "$1"; rm -rf "$2"`;

/**
 * Watches over a server of the tests: when this process goes away, however it dies, the guard kills the server and
 * removes its directory. Call what it gives once the server is gone: its process id may be another's by then.
 */
export function guardServer(pid: number, directory: string): () => void {
  const guard = startGuard(END_SERVER, String(pid), directory);
  return () => void guard.end('gone\n');
}

const REMOVE_DIRECTORY = `read -r gone && exit; sleep 2; rm -rf "$1"`;

/** Removes a directory a moment after this process went away, however it died. Call what it gives once it is removed. */
export function guardDirectory(directory: string): () => void {
  const guard = startGuard(REMOVE_DIRECTORY, directory);
  return () => void guard.end('gone\n');
}

const END_PROCESSES = `
  running=
  while read -r event pid; do
    left=
    for one in $running; do [ "$one" = "$pid" ] || left="$left $one"; done
    running=$left
    [ "$event" = started ] && running="$running $pid"
  done
  for one in $running; do kill -KILL "$one"; done`;

let processGuard: Writable | undefined;

/** Watches over a process that a test started: it does not outlive this one. One guard watches over all of them. */
export function guardProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  const guard = (processGuard ??= startGuard(END_PROCESSES));
  guard.write(`started ${pid}\n`);
  // Its process id may be another's from then on.
  child.once('exit', () => guard.write(`ended ${pid}\n`));
}
