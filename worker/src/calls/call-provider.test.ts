import type { CallResult, FieldContract, ProviderResponse } from '@leadwell/providers/adapter';
import type { Provider } from '@leadwell/providers/provider';
import { newId } from '@leadwell/shared/domain/ids';
import { query } from '@leadwell/shared/db/database';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import { createBreakers, type Breakers } from '../limits/breaker';
import { createLimiter, type Limiter } from '../limits/limiter';
import type { Timed } from './caller';
import { createCaller, type Caller } from './call-provider';

const KEY = 'secret-key-0123456789';
const NAME = 'Ada';
const never = new AbortController().signal;
const lines: string[] = [];
const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });

let database: TestDatabase;
let breakers: Breakers;
let limiter: Limiter;
let caller: Caller;
beforeAll(async () => {
  database = await createTestDatabase();
  breakers = createBreakers({ knex: database.knex, logger });
  limiter = createLimiter({ knex: database.knex, logger, breakers });
  caller = createCaller({ breakers, logger });
});
afterAll(async () => {
  await caller.close();
  await limiter.close();
  await database.drop();
});

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A provider on loopback that behaves as told, with what it was sent. */
async function startProvider(
  listener: RequestListener,
  over: Partial<Provider> = {},
): Promise<{ provider: Provider; urls: string[] }> {
  const urls: string[] = [];
  const server = createServer((request, response) => {
    urls.push(request.url ?? '');
    response.on('error', () => undefined);
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const provider: Provider = {
    name: 'testprovider',
    adapter: {} as never,
    account: newId(),
    limits: [],
    concurrent: 50,
    timeoutSeconds: 5,
    maxWaitSeconds: 5,
    giveUpSeconds: 600,
    baseUrl: `http://127.0.0.1:${port}/base/`,
    key: KEY,
    ...over,
  };
  return { provider, urls };
}

let lastResponse: ProviderResponse | undefined;

/** An adapter for a provider that answers `{ "email": … }`. */
const contract: FieldContract = {
  forms: ['name_domain'],
  maxQuestionsPerCall: 1,
  maxCostCredits: 1,
  buildRequest: (_questions, key) => ({
    method: 'POST',
    path: '/find',
    query: { api_key: key, name: NAME },
    headers: { 'x-api-key': key },
    body: { name: NAME },
  }),
  readResponse(response): CallResult {
    lastResponse = response;
    if (response.status === 401) return { kind: 'auth', reason: 'The key is refused.' };
    if (response.status === 402) return { kind: 'no_credit', reason: 'No credit is left.' };
    if (response.status === 429) return { kind: 'rate', retryAfterSeconds: 2, reason: 'Too fast.' };
    if (response.status === 403) return { kind: 'rate', retryAfterSeconds: null, reason: 'Too fast.' };
    if (response.status !== 200 || response.json === undefined)
      return { kind: 'transient', retryAfterSeconds: null, reason: `HTTP ${response.status}` };
    return { kind: 'answers', answers: new Map([['q', { outcome: 'miss', costCredits: null }]]) };
  },
};

async function call(provider: Provider, signal = never): Promise<Timed<CallResult>> {
  const reservation = await limiter.reserve(provider, 1, never);
  if (!reservation.granted) throw new Error(reservation.message);
  const question = {
    form: 'name_domain',
    firstName: NAME,
    lastName: 'Lovelace',
    domain: 'acme.test',
  } as const;
  const questions = [{ id: 'q', question }];
  const exchange = {
    build: (key: string) => contract.buildRequest(questions, key),
    read: (response: ProviderResponse) => contract.readResponse(response, questions),
  };
  return caller.call(provider, exchange, reservation, signal);
}

function expectNoSecrets(result: Timed<CallResult>): void {
  const text = JSON.stringify(result) + lines.join('');
  for (const secret of [KEY, NAME, '127.0.0.1', '/find']) expect(text).not.toContain(secret);
}

const ok: RequestListener = (_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end('{"email":null}');
};

describe('a provider call', () => {
  it('sends path, query, key and body, and gives the answers with the time they took', async () => {
    let body = '';
    let key: unknown;
    const { provider, urls } = await startProvider((request, response) => {
      key = request.headers['x-api-key'];
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => ok(request, response));
    });
    const result = await call(provider);
    expect(result.kind).toBe('answers');
    expect(result.durationMs).toBeGreaterThan(0);
    expect(urls).toEqual([`/base/find?api_key=${KEY}&name=${NAME}`]);
    expect([key, body]).toEqual([KEY, `{"name":"${NAME}"}`]);
  });

  it.each<[string, RequestListener]>([
    ['hangs', () => undefined],
    ['sends headers and then nothing', (_request, response) => void response.writeHead(200).flushHeaders()],
    [
      'drips',
      (_request, response) => {
        const timer = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('ends at the deadline when the provider %s', async (_name, listener) => {
    const { provider } = await startProvider(listener, { timeoutSeconds: 0.7 });
    const result = await call(provider);
    expect(result).toMatchObject({ kind: 'transient', reason: 'The provider did not answer in time.' });
    expectNoSecrets(result);
  });

  it.each<[string, RequestListener]>([
    [
      'resets the connection after reading',
      (request) => void request.on('data', () => request.socket.resetAndDestroy()),
    ],
    [
      'breaks off its body',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"a":', () => response.destroy());
      },
    ],
    ['answers HTML', (_request, response) => response.end('<html>Bad gateway</html>')],
    ['answers cut JSON', (_request, response) => response.end('{"email":"a@b')],
    ['answers nothing', (_request, response) => response.end()],
    [
      'packs in an unknown way',
      (_request, response) => response.writeHead(200, { 'content-encoding': 'zip' }).end('x'),
    ],
    [
      'claims gzip and sends none',
      (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('{}'),
    ],
    ['redirects', (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    [
      'sends 100,000 nested arrays',
      (_request, response) => response.end(`{"__proto__":${'['.repeat(100_000)}`),
    ],
  ])('is a passing fault when the provider %s, tried again once at most', async (_name, listener) => {
    const { provider, urls } = await startProvider(listener);
    const result = await call(provider);
    expect(result.kind).toBe('transient');
    expect(urls.length).toBe(2);
    expectNoSecrets(result);
  });

  it('says nothing of where it went when nobody listens there', async () => {
    const { provider } = await startProvider(ok, { baseUrl: 'http://127.0.0.1:1/base' });
    const result = await call(provider);
    expect(result).toMatchObject({ kind: 'transient', reason: 'The provider cannot be reached.' });
    expectNoSecrets(result);
  });

  it.each<[string, RequestListener]>([
    [
      '50 MB',
      (_request, response) => {
        const chunk = Buffer.alloc(1024 * 1024, 'a');
        let sent = 0;
        const more = (): void => {
          while (sent++ < 50) if (!response.write(chunk)) return void response.once('drain', more);
          response.end();
        };
        more();
      },
    ],
    [
      'a gzip bomb',
      (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
      },
    ],
  ])('reads no more than it can hold of %s', async (_name, listener) => {
    const { provider } = await startProvider(listener);
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const result = await call(provider);
    expect(result).toMatchObject({ kind: 'transient', reason: 'The answer is too large.' });
    // Server and client are one process here, and two tries were made.
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  it('reads gzip, and JSON of any type, and drops keys that would change a prototype', async () => {
    const json = '{"a":{"__proto__":{"admin":true}},"\\u005f_proto__":1,"b":[1]}';
    const { provider } = await startProvider((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(json));
    });
    expect((await call(provider)).kind).toBe('answers');
    expect(JSON.stringify(lastResponse?.json)).toBe('{"a":{},"b":[1]}');
    const { provider: other } = await startProvider((_request, response) => response.end('"text"'));
    await call(other);
    expect(lastResponse?.json).toBe('text');
  });

  it('recovers from one passing fault, within the limits', async () => {
    const { provider, urls } = await startProvider(
      (request, response) => (urls.length === 1 ? response.writeHead(503).end() : ok(request, response)),
      { limits: [{ amount: 1, perSeconds: 1, unit: 'calls' }] },
    );
    const startedAt = performance.now();
    expect((await call(provider)).kind).toBe('answers');
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(urls.length).toBe(2);
  });

  it('ends when it is called off', async () => {
    const { provider } = await startProvider(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    expect(await call(provider, controller.signal)).toMatchObject({
      kind: 'transient',
      reason: 'The call was called off.',
    });
  });

  it('gives its place back, whatever happened', async () => {
    const { provider } = await startProvider((_request, response) => response.destroy(), { concurrent: 1 });
    for (let i = 0; i < 3; i++) expect((await call(provider)).kind).toBe('transient');
  });
});

describe('the breaker of a provider', () => {
  it.each([
    [401, 'auth'],
    [402, 'no_credit'],
  ])('opens for all processes on HTTP %s', async (status, kind) => {
    const { provider } = await startProvider((_request, response) => response.writeHead(status).end('{}'));
    await call(provider);
    expect(await breakers.findOpen(provider)).toMatchObject({ kind });
    const other = createLimiter({ knex: database.knex, logger });
    expect(await other.reserve(provider, 1, never)).toMatchObject({ granted: false, reason: 'breaker_open' });
    await other.close();
  });

  it('makes everybody wait on HTTP 429, then go on', async () => {
    const { provider, urls } = await startProvider((request, response) =>
      urls.length === 1 ? response.writeHead(429).end() : ok(request, response),
    );
    const startedAt = performance.now();
    expect(await call(provider)).toMatchObject({ kind: 'rate' });
    expect((await call(provider)).kind).toBe('answers');
    expect(performance.now() - startedAt).toBeGreaterThan(1800);
  });

  it.each([
    [
      403,
      'longer each time where the provider does not say how long, a minute at most',
      [],
      [5, 10, 20, 40, 60, 60],
    ],
    [403, 'a quarter of its shortest window at first', [1, 60], [0.25, 0.5, 1, 2, 4]],
    [429, 'as long as the provider says, each time', [], [2, 2, 2]],
  ])('waits after HTTP %i %s', async (status, _, windows, seconds) => {
    const limits = windows.map((perSeconds) => ({ amount: 1_000, perSeconds, unit: 'calls' as const }));
    const { provider } = await startProvider((request, response) => response.writeHead(status).end(), {
      limits,
    });
    const waits: number[] = [];
    while (waits.length < seconds.length) {
      expect(await call(provider)).toMatchObject({ kind: 'rate' });
      const [opened] = await query<{ seconds: number }>(
        database.knex,
        `WITH opened AS (SELECT * FROM provider_breakers WHERE account = :account)
         UPDATE provider_breakers b SET open_until = clock_timestamp() FROM opened o WHERE b.account = o.account
         RETURNING extract(epoch FROM o.open_until - o.opened_at)::float8 AS seconds`,
        { account: provider.account },
      );
      waits.push(opened?.seconds ?? 0);
    }
    // Without a word of the provider's, a fifth more or less: not everybody is to come back at the same moment.
    const spread = status === 403 ? 0.21 : 0.01;
    waits.forEach((wait, i) =>
      expect(Math.abs(wait - seconds[i]!)).toBeLessThanOrEqual(seconds[i]! * spread),
    );
  });

  it('opens when a provider is down, after at most 1.1 times the calls, and closes after one probe', async () => {
    let down = true;
    let answerProbe = (): void => undefined;
    const mayAnswer = new Promise<void>((resolve) => (answerProbe = resolve));
    const { provider, urls } = await startProvider((request, response) => {
      if (down) response.writeHead(503).end();
      else void mayAnswer.then(() => ok(request, response));
    });
    let calls = 0;
    while (calls < 100 && !(await breakers.findOpen(provider))) {
      calls++;
      await call(provider);
    }
    expect(calls).toBeLessThanOrEqual(10);
    expect(urls.length).toBeLessThanOrEqual(Math.max(calls + 1, calls * 1.1));

    // Its time passes; the first probe fails, and the breaker stays open twice as long.
    const pass = (): Promise<unknown> =>
      query(database.knex, `UPDATE provider_breakers SET open_until = clock_timestamp() WHERE account = ?`, [
        provider.account,
      ]);
    await pass();
    await call(provider);
    expect((await breakers.findOpen(provider))?.remainingSeconds).toBeGreaterThan(15);

    down = false;
    await pass();
    const calling = [1, 2, 3].map(() => call(provider));
    let refused = 0;
    // Under way until the others are refused.
    for (const one of calling) one.catch(() => ++refused === 2 && answerProbe());
    const probes = await Promise.allSettled(calling);
    expect(probes.filter((probe) => probe.status === 'fulfilled')).toHaveLength(1);
    expect(
      await query(database.knex, 'SELECT 1 FROM provider_breakers WHERE account = ?', [provider.account]),
    ).toEqual([]);
    expect((await call(provider)).kind).toBe('answers');
  });

  /** Its time passes. */
  const runOut = (provider: Provider): Promise<unknown> =>
    query(database.knex, `UPDATE provider_breakers SET open_until = clock_timestamp() WHERE account = ?`, [
      provider.account,
    ]);

  it('is not opened as for a provider that is down by one passing fault after "too fast"', async () => {
    const answers = [429, 503, 200, 503];
    const { provider, urls } = await startProvider((request, response) => {
      const status = answers[urls.length - 1] as number;
      if (status === 200) ok(request, response);
      else response.writeHead(status).end();
    });
    expect((await call(provider)).kind).toBe('rate');
    await runOut(provider);
    expect((await call(provider)).kind).toBe('answers');
    expect(urls).toHaveLength(3);
    expect(
      await query(database.knex, 'SELECT 1 FROM provider_breakers WHERE account = ?', [provider.account]),
    ).toEqual([]);
  });

  it('waits no shorter for what was refused in the same burst', async () => {
    const { provider } = await startProvider(ok);
    const open = (seconds: number): Promise<void> => breakers.open(provider, 'rate', 'Too fast.', seconds);
    await open(1);
    await runOut(provider);
    await open(1);
    // Refused while it is open, with a later end.
    await open(3);
    await runOut(provider);
    await open(1);
    const remaining = (await breakers.findOpen(provider))?.remainingSeconds;
    expect(remaining).toBeGreaterThan(2);
    expect(remaining).toBeLessThanOrEqual(4);
  });

  it('holds back what was booked before it opened', async () => {
    const { provider, urls } = await startProvider(ok);
    const reservation = await limiter.reserve(provider, 1, never);
    if (!reservation.granted) throw new Error(reservation.message);
    await breakers.open(provider, 'no_credit', 'The account is empty.', 60);
    expect(await reservation.depart(never)).toMatchObject({ granted: false, reason: 'breaker_open' });
    reservation.release();
    expect(urls).toEqual([]);
  });
});

/** 200 MB of zeros in 200 KB. */
const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
