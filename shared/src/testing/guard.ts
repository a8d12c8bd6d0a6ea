import { spawn } from 'node:child_process';

/**
 * Watches over a server of the tests: when this process goes away, however it dies, the guard kills the server and
 * removes its directory. It notices by the end of its standard input, which the kernel closes for us. Call what it
 * gives once the server is gone: its process id may be another's by then.
 */
export function guardServer(pid: number, directory: string): () => void {
  const script = `
    const [pid, directory] = process.argv.slice(1);
    process.on('SIGINT', () => {}).on('SIGTERM', () => {});
    process.stdin.on('data', () => process.exit()).on('end', () => {
      try { process.kill(Number(pid), 'SIGQUIT'); } catch {}
      setTimeout(() => {
        try { process.kill(Number(pid), 'SIGKILL'); } catch {}
        require('node:fs').rmSync(directory, { recursive: true, force: true });
      }, 1000);
    });`;
  const guard = spawn(process.execPath, ['-e', script, String(pid), directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.stdin.on('error', () => undefined);
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return () => guard.stdin.write('.');
}
