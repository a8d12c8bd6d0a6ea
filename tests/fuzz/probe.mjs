/** Loaded into the process under test: on SIGUSR2 it prints the longest standstill of its loop since the last time, and its heap after a collection. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
let count = 0;

process.on('SIGUSR2', () => {
  const maxLagMs = Math.round(delay.max / 1e6);
  const p99LagMs = Math.round(delay.percentile(99) / 1e6);
  collect();
  const { heapUsed, external } = process.memoryUsage();
  const heapMb = Math.round((heapUsed + external) / 1e6);
  process.stderr.write(`${JSON.stringify({ probe: ++count, maxLagMs, p99LagMs, heapMb })}\n`);
  // The collection itself stood still; it is not the API's.
  setImmediate(() => delay.reset());
});
