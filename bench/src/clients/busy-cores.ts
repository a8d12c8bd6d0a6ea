import { cpus } from 'node:os';

/** Starts to watch the machine's cores; the function gives how many were busy on average since. */
export function watchCores(): () => number {
  const before = cpuTimes();
  return () => {
    const after = cpuTimes();
    return ((after.busyMs - before.busyMs) / (after.totalMs - before.totalMs)) * cpus().length;
  };
}

function cpuTimes(): { busyMs: number; totalMs: number } {
  let [busyMs, totalMs] = [0, 0];
  for (const { times } of cpus()) {
    const sumMs = Object.values(times).reduce((sum, ms) => sum + ms, 0);
    totalMs += sumMs;
    busyMs += sumMs - times.idle;
  }
  return { busyMs, totalMs };
}
