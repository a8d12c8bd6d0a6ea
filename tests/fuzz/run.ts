/** Many generated calls against a real API process, and what became of it. */
import { Agent } from 'node:http';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import fc from 'fast-check';
import type { Process } from '../support/deployment';
import { fuzzCalls, type FuzzCall, type Known } from './calls';
import { sendCall, type FuzzAnswer } from './send';

export interface FuzzOptions {
  seed: number;
  count: number;
  url: string;
  key: string;
  known: Known;
  /** The API, with probe.mjs loaded. */
  api: Process;
}

export interface FuzzReport {
  seed: number;
  calls: number;
  /** How many answers of each status; 0: the connection was closed instead. */
  statuses: Record<string, number>;
  /** Calls that broke a promise, at most ten; each is made again by the same seed and count. */
  faults: { at: number; what: string; call: FuzzCall }[];
  /** Answered 503, or not in time, and made again: a machine without time to spare does that to any call. The second time is a fault. */
  repeated: number;
  slowestMs: number;
  slowest: string;
  maxLagMs: number;
  /** Heap after a collection, when a fifth was done and at the end. */
  heapMb: [number, number];
  seconds: number;
}

/** A refused key waits 50 ms: fewer would mostly wait. */
const CONCURRENT = 16;
const CHUNK = 500;

/** Sends `count` calls of a seed. Never throws for what the API does: the report says it. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { seed, count, api } = options;
  const startedAt = performance.now();
  const report: FuzzReport = {
    ...{ seed, calls: 0, statuses: {}, faults: [], repeated: 0, slowestMs: 0, slowest: '' },
    ...{ maxLagMs: 0, heapMb: [0, 0], seconds: 0 },
  };
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT });
  await readProbe(api);
  const calls = callsOf(options, async () => {
    const { maxLagMs, heapMb } = await readProbe(api);
    report.maxLagMs = Math.max(report.maxLagMs, maxLagMs);
    if (report.heapMb[0] === 0 && report.calls >= count / 5) report.heapMb[0] = heapMb;
    report.heapMb[1] = heapMb;
  });
  await Promise.all(Array.from({ length: CONCURRENT }, () => sendAll(options, agent, calls, report)));
  agent.destroy();
  report.seconds = Math.round((performance.now() - startedAt) / 1000);
  return report;
}

/**
 * The calls of a seed, `afterChunk` between each chunk and the next and after the last. Calls of the chunk before may still be under way
 * then: one that takes its time holds up nobody.
 */
async function* callsOf(
  { seed, count, known }: FuzzOptions,
  afterChunk: () => Promise<void>,
): AsyncGenerator<FuzzCall> {
  for (let done = 0; done < count; done += CHUNK) {
    const numRuns = Math.min(CHUNK, count - done);
    yield* fc.sample(fuzzCalls(known), { seed: seed + done, numRuns });
    await afterChunk();
  }
}

async function sendAll(
  options: FuzzOptions,
  agent: Agent,
  calls: AsyncGenerator<FuzzCall>,
  report: FuzzReport,
): Promise<void> {
  const url = new URL(options.url);
  for (;;) {
    // Not `for await`: the first that is done would close the generator on the others.
    const next = await calls.next();
    if (next.done) return;
    const call = next.value;
    const at = report.calls++;
    const ask = (): Promise<Verdict> => judge(() => sendCall(url, agent, options.key, call), options.key);
    let verdict = await ask();
    if (verdict.isLate) {
      report.repeated++;
      verdict = await ask();
    }
    const { status, durationMs, what } = verdict;
    if (status !== null) report.statuses[status] = (report.statuses[status] ?? 0) + 1;
    if (durationMs > report.slowestMs) {
      report.slowestMs = Math.round(durationMs);
      report.slowest = call.raw === undefined ? `${call.method} ${call.path.slice(0, 120)}` : 'raw';
    }
    if (what !== null) note(report, at, what, call);
  }
}

interface Verdict {
  /** Null: there was no answer. */
  status: number | null;
  durationMs: number;
  /** What is wrong with it; null: nothing. */
  what: string | null;
  isLate: boolean;
}

async function judge(send: () => Promise<FuzzAnswer>, key: string): Promise<Verdict> {
  try {
    const { status, text, durationMs } = await send();
    return { status, durationMs, what: faultOf(status, text, key), isLate: status === 503 };
  } catch (error) {
    return { status: null, durationMs: 0, what: (error as Error).message, isLate: true };
  }
}

/** What no answer may be: a failure of ours, or one that tells how we are made or what the caller's secret is. */
function faultOf(status: number, text: string, key: string): string | null {
  if (status >= 500) return `HTTP ${status}: ${text.slice(0, 300)}`;
  if (status >= 400 && text !== '' && !text.includes('"requestId"'))
    return `no envelope: ${text.slice(0, 300)}`;
  if (text.includes(key)) return 'the key is in the answer';
  if (status >= 400 && /node_modules|\.js:\d+|SELECT |syntax error at/.test(text))
    return `insides: ${text.slice(0, 300)}`;
  return null;
}

function note(report: FuzzReport, at: number, what: string, call: FuzzCall): void {
  if (report.faults.length < 10)
    report.faults.push({ at, what, call: { ...call, body: call.body?.slice(0, 3_000) } as FuzzCall });
}

async function readProbe(api: Process): Promise<{ maxLagMs: number; heapMb: number }> {
  const seen = api.output().length;
  const findLine = (): string | undefined => /^\{"probe":.*\}$/m.exec(api.output().slice(seen))?.[0];
  api.child.kill('SIGUSR2');
  await waitUntil(findLine, { message: 'the probe in the API to answer' });
  return JSON.parse(findLine()!) as { maxLagMs: number; heapMb: number };
}
