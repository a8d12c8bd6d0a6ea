/** Providers' limits hold over processes, as the provider sees them: arrivals at a real HTTP server. */
import type { ProviderLimit } from '@leadwell/providers/adapter';
import { newId } from '@leadwell/shared/domain/ids';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

/** A call may arrive this much after it left, more than another. */
const TOLERANCE_MS = 50;

let database: TestDatabase;
let server: Server;
let children: ChildProcess[] = [];
let arrivals: number[] = [];
let inFlight = 0;
let mostInFlight = 0;
let answerAfterMs = 0;

beforeEach(async () => {
  database = await createTestDatabase();
  [arrivals, inFlight, mostInFlight] = [[], 0, 0];
  server = createServer((request, response) => {
    arrivals.push(performance.now());
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    response.on('close', () => inFlight--);
    request.resume();
    setTimeout(() => response.end('{}'), answerAfterMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await Promise.all(children.map(crash));
  children = [];
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await database.drop();
});

async function crash(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

interface Load {
  processes: number;
  loops: number;
  limits: ProviderLimit[];
  concurrent: number;
  records?: number;
}

function startCallers({ processes, loops, limits, concurrent, records = 1 }: Load): void {
  const provider = {
    name: 'testprovider',
    adapter: {},
    account: newId(),
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: 'k',
    limits,
    concurrent,
    timeoutSeconds: 5,
    maxWaitSeconds: 60,
    giveUpSeconds: 600,
  };
  const argument = JSON.stringify({ url: database.url, provider, loops, records });
  const script = path.join(__dirname, 'support/limited-caller.mjs');
  children = Array.from({ length: processes }, () =>
    spawn(process.execPath, [script, argument], { stdio: ['ignore', 'ignore', 'inherit'] }),
  );
}

/** The shortest time in which `count + 1` calls arrived. */
function shortestSpanMs(count: number): number {
  const times = [...arrivals].sort((a, b) => a - b);
  return Math.min(...times.slice(count).map((time, i) => time - (times[i] ?? 0)));
}

it('never exceeds 200 calls a second over four processes, and keeps using them', async () => {
  answerAfterMs = 20;
  startCallers({
    processes: 4,
    loops: 40,
    limits: [
      { amount: 200, perSeconds: 1, unit: 'calls' },
      { amount: 100_000, perSeconds: 86_400, unit: 'calls' },
    ],
    concurrent: 160,
  });
  await waitUntil(() => arrivals.length >= 1000, { timeoutMs: 20_000, message: '1,000 calls' });
  expect(shortestSpanMs(200)).toBeGreaterThanOrEqual(1000 - TOLERANCE_MS);
  // The best 400 of them: starting four processes on a busy machine takes its time.
  expect(shortestSpanMs(400)).toBeLessThan(2000 / 0.7);
});

it('keeps a limit on records and the calls in flight, and gives a crashed process’s place back', async () => {
  answerAfterMs = 100;
  startCallers({
    processes: 3,
    loops: 5,
    limits: [{ amount: 400, perSeconds: 1, unit: 'records' }],
    concurrent: 6,
    records: 10,
  });
  await waitUntil(() => arrivals.length >= 60, { timeoutMs: 20_000, message: '60 calls' });
  await crash(children[0]!);
  const before = arrivals.length;
  await waitUntil(() => arrivals.length >= before + 40, { timeoutMs: 20_000, message: '40 more calls' });
  expect(mostInFlight).toBeLessThanOrEqual(6);
  expect(shortestSpanMs(40)).toBeGreaterThanOrEqual(1000 - TOLERANCE_MS);
});
