/** Providers' limits hold over processes, as the provider sees them: arrivals at a real HTTP server. */
import type { ProviderLimit } from '@leadwell/providers/adapter';
import { newId } from '@leadwell/shared/domain/ids';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { guardProcess } from '@leadwell/shared/testing/guard';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

interface Call {
  /** Of the machine's clock. The call went out between the two: a busy machine takes its time in between. */
  leavesMs: number;
  arrivedMs: number;
}

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

let database: TestDatabase;
let server: Server;
let children: ChildProcess[] = [];
let calls: Call[] = [];
let inFlight = 0;
let mostInFlight = 0;
let answerAfterMs = 0;

beforeEach(async () => {
  database = await createTestDatabase();
  [calls, inFlight, mostInFlight] = [[], 0, 0];
  server = createServer((request, response) => {
    calls.push({ leavesMs: Number(request.headers['x-leaves-ms']), arrivedMs: nowMs() });
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    let isOver = false;
    const end = (): void => {
      if (!isOver) inFlight--;
      isOver = true;
    };
    response.on('close', end);
    request.resume();
    setTimeout(() => {
      // Before its caller can know of it, and another take the place.
      end();
      response.end('{}');
    }, answerAfterMs);
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
  children.forEach(guardProcess);
}

/**
 * The least of spans that surely hold `count + 1` calls: from the leaving of one to the arrival of as many that left no
 * earlier. Times of arrival alone would tell of a server that stood still, and had to read many at once.
 */
function shortestSpanMs(count: number): number {
  const spanFrom = ({ leavesMs }: Call): number => {
    const later = calls.filter((call) => call.leavesMs >= leavesMs).map((call) => call.arrivedMs);
    return (later.sort((a, b) => a - b)[count] ?? Infinity) - leavesMs;
  };
  return Math.min(...calls.map(spanFrom));
}

it('never exceeds 200 calls a second over four processes', async () => {
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
  await waitUntil(() => calls.length >= 1000, { message: '1,000 calls' });
  expect(shortestSpanMs(200)).toBeGreaterThanOrEqual(1000 - 1);
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
  await waitUntil(() => calls.length >= 60, { message: '60 calls' });
  await crash(children[0]!);
  const before = calls.length;
  await waitUntil(() => calls.length >= before + 40, { message: '40 more calls' });
  expect(mostInFlight).toBeLessThanOrEqual(6);
  expect(shortestSpanMs(40)).toBeGreaterThanOrEqual(1000 - 1);
});
