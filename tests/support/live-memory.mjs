/**
 * Loaded into the process under test: collects garbage again and again, and on SIGUSR2 prints the most that was alive since the
 * last time, buffers included. What a collector has not come to yet, which depends on the machine, is not in it.
 */
import v8 from 'node:v8';
import vm from 'node:vm';

const EVERY_MS = 50;

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');
const liveMb = () => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
};
let mostMb = 0;
let count = 0;

setInterval(() => {
  mostMb = Math.max(mostMb, liveMb());
}, EVERY_MS).unref();

process.on('SIGUSR2', () => {
  mostMb = Math.max(mostMb, liveMb());
  process.stderr.write(
    `${JSON.stringify({ live: ++count, mostMb, residentMb: process.memoryUsage().rss / 1e6 })}\n`,
  );
  mostMb = 0;
});
