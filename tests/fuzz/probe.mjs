/**
 * Loaded into the process under test: on SIGUSR2 it prints the longest standstill of its loop since the last time, and its
 * heap after a collection. A process that a busy machine lets wait does not stand still: it uses no time of the processor.
 */
import v8 from 'node:v8';
import vm from 'node:vm';

const EVERY_MS = 10;

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
const readClocks = () => {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
};
let last = readClocks();
let maxLagMs = 0;
let count = 0;

setInterval(() => {
  const now = readClocks();
  maxLagMs = Math.max(maxLagMs, Math.min(now.wallMs - last.wallMs - EVERY_MS, now.cpuMs - last.cpuMs));
  last = now;
}, EVERY_MS).unref();

process.on('SIGUSR2', () => {
  const lagMs = Math.round(maxLagMs);
  collect();
  const { heapUsed, external } = process.memoryUsage();
  const heapMb = Math.round((heapUsed + external) / 1e6);
  process.stderr.write(`${JSON.stringify({ probe: ++count, maxLagMs: lagMs, heapMb })}\n`);
  // The collection itself stood still; it is not the API's.
  last = readClocks();
  maxLagMs = 0;
});
