/** Accounts of smaller plans than are configured, which say so in their headers: their limits are kept, not run into. */
import type { AskedQuestion, FieldContract, ProviderLimit } from '@leadwell/providers/adapter';
import type { Provider } from '@leadwell/providers/provider';
import { getAdapter } from '@leadwell/providers/registry';
import { createSandbox, type Sandbox, type SandboxOptions } from '@leadwell/sandbox/sandbox';
import { openDatabase, type Knex } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { createCaller, type Caller } from '@leadwell/worker/calls/call-provider';
import { createBreakers } from '@leadwell/worker/limits/breaker';
import { createLimiter, type Limiter } from '@leadwell/worker/limits/limiter';
import pino from 'pino';

const logger = pino({ level: 'silent' });
const never = new AbortController().signal;

interface Process {
  knex: Knex;
  limiter: Limiter;
  caller: Caller;
}

let database: TestDatabase;
let sandbox: Sandbox;
let processes: Process[];

beforeEach(async () => {
  database = await createTestDatabase();
  processes = [];
});
afterEach(async () => {
  for (const { knex, limiter, caller } of processes) {
    await caller.close();
    await limiter.close();
    await knex.destroy();
  }
  await sandbox.close();
  await database.drop();
});

/** A provider at a sandbox where its account has this plan, and four processes that share it. */
async function start(name: string, plan: ProviderLimit[], over: Partial<Provider>): Promise<Provider> {
  const options: SandboxOptions = { plans: { [name]: plan }, latency: { minMs: 5, maxMs: 5 } };
  sandbox = createSandbox(options);
  const port = await sandbox.listen(0);
  processes = Array.from({ length: 4 }, () => {
    const knex = openDatabase({ url: database.url, poolSize: 3, applicationName: 'test-told-limits' });
    const breakers = createBreakers({ knex, logger });
    return {
      knex,
      limiter: createLimiter({ knex, logger, breakers }),
      caller: createCaller({ breakers, logger }),
    };
  });
  const adapter = getAdapter(name);
  const baseUrl = `http://127.0.0.1:${port}/${name}`;
  const account = { name, adapter, key: 'sandbox-key', account: newId() };
  return { ...account, giveUpSeconds: 600, ...adapter.defaults, ...over, baseUrl };
}

/** What came of one call of so many records; `not_granted` where the limiter refuses it at once. */
async function call(at: number, provider: Provider, records: number): Promise<string> {
  const { limiter, caller } = processes[at % processes.length]!;
  const reservation = await limiter.reserve(provider, records, never);
  if (!reservation.granted) return 'not_granted';
  const questions = Array.from({ length: records }, (_, i): AskedQuestion => {
    const [firstName, lastName] = ['Ann', `Doe${at}x${i}`];
    return {
      id: `q${i}`,
      question: { form: 'name_domain', firstName, lastName, domain: 'always-hit.example' },
    };
  });
  const contract = provider.adapter.fields.emails as FieldContract;
  const exchange = {
    build: (key: string) => contract.buildRequest(questions, key),
    read: (response: Parameters<FieldContract['readResponse']>[0]) =>
      contract.readResponse(response, questions),
  };
  const result = await caller.call(provider, exchange, reservation, never);
  return result.kind;
}

const statsOf = () => sandbox.stats().accounts[0]!;

it('keeps to ten records a second where forty are configured', async () => {
  const provider = await start('prospeo', [{ amount: 10, perSeconds: 1, unit: 'records' }], {
    limits: [{ amount: 40, perSeconds: 1, unit: 'records' }],
    maxWaitSeconds: 60,
  });
  await Promise.all(Array.from({ length: 40 }, (_, at) => call(at, provider, 1)));
  const { calls, records, refusals } = statsOf();
  expect(records).toBe(calls - refusals.rate);
  // What is refused is tried again as far as the budget for retries goes.
  expect(records).toBeGreaterThanOrEqual(40 - refusals.rate);
  // Untold, thirty would be. A busy machine lets calls that left in time arrive together.
  expect(refusals.rate).toBeLessThanOrEqual(10);
});

it('makes its calls no larger than the account takes', async () => {
  const provider = await start('prospeo', [{ amount: 10, perSeconds: 1, unit: 'records' }], {
    limits: [{ amount: 40, perSeconds: 1, unit: 'records' }],
  });
  const [first] = processes;
  expect(first!.limiter.recordsAtMost(provider)).toBe(Infinity);
  expect(await call(0, provider, 40)).toBe('rate');
  expect(await call(0, provider, 40)).toBe('not_granted');
  expect(first!.limiter.recordsAtMost(provider)).toBe(10);
  expect(await call(0, provider, 10)).toBe('answers');
  expect(statsOf()).toMatchObject({ records: 10, refusals: { rate: 1 } });
});

it('passes over a provider whose minute is used up, as it would for its own limit', async () => {
  const provider = await start('leadmagic', [{ amount: 60, perSeconds: 60, unit: 'calls' }], {
    limits: [{ amount: 40, perSeconds: 1, unit: 'calls' }],
    maxWaitSeconds: 2,
  });
  const outcomes = await Promise.all(Array.from({ length: 120 }, (_, at) => call(at, provider, 1)));
  const { calls, refusals } = statsOf();
  const served = outcomes.filter((outcome) => outcome === 'answers').length;
  expect(served).toBe(calls - refusals.rate);
  // A booking that a busy machine misses may count as used.
  expect(served).toBeGreaterThan(50);
  expect(served).toBeLessThanOrEqual(60);
  // Untold, all the others would be refused by the provider.
  expect(refusals.rate).toBeLessThanOrEqual(15);
  expect(outcomes).toContain('not_granted');
});
