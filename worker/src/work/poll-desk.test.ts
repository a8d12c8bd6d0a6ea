/** Questions that a provider answers later, over a real database: how long they are waited for. Only the providers are played. */
import type { Adapter, AskedQuestion } from '@leadwell/providers/adapter';
import { askableWaterfall } from '@leadwell/providers/askable';
import type { Provider, Waterfall } from '@leadwell/providers/provider';
import { execute, query } from '@leadwell/shared/db/database';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { readBalance, seedAccepted, seedLeads, seedOrganisation } from '@leadwell/shared/testing/seed';
import pino from 'pino';
import type { AnyResult, Caller } from '../calls/caller';
import type { Limiter } from '../limits/reservation';
import { Desk } from './desk';
import { createLeaseKeeper, type LeaseKeeper } from './lease-keeper';
import { BatchWorker } from './work-batch';

const LEASE_SECONDS = 10;
const LEADS = 3;
const logger = pino({ level: 'silent' });

let database: TestDatabase;
let keeper: LeaseKeeper;
let worker: BatchWorker;
let orgId: string;
/** Every call made, in order. */
let calls: string[];
let [stop, hard] = [new AbortController(), new AbortController()];
beforeAll(async () => {
  database = await createTestDatabase();
  keeper = createLeaseKeeper({ knex: database.knex, leaseSeconds: LEASE_SECONDS, logger });
});
beforeEach(async () => {
  [stop, hard] = [new AbortController(), new AbortController()];
  calls = [];
  orgId = await seedOrganisation(database.knex, 1_000);
});
afterEach(async () => {
  stop.abort();
  await worker.stop();
  hard.abort();
});
afterAll(async () => {
  keeper.close();
  await database.drop();
});

/** A worker that asks `later`, which never gets ready, and then `second`, which finds nothing. */
function startWorker(giveUpSeconds: number): BatchWorker {
  const { knex } = database;
  const providers = [providerNamed('later', giveUpSeconds), providerNamed('second', giveUpSeconds)];
  const waterfall: Waterfall = {
    emails: providers,
    phones: providers,
    configured: providers,
    budgets: { emails: null, phones: null },
  };
  const desk = new Desk({
    knex,
    logger,
    keeper,
    waterfall,
    leaseSeconds: LEASE_SECONDS,
    timeoutMs: 100_000_000,
    resultSeconds: 86_400,
    limiter,
    caller,
    stopSignal: stop.signal,
    hardSignal: hard.signal,
  });
  return new BatchWorker({
    knex,
    logger,
    desk,
    keeper,
    relay: { publish: () => Promise.resolve() },
    waterfall: askableWaterfall(waterfall),
    shareResults: true,
    leaseSeconds: LEASE_SECONDS,
    workerName: 'rig',
  });
}

const limiter: Limiter = {
  reserve: () =>
    Promise.resolve({
      granted: true,
      depart: () => Promise.resolve({ granted: true, after: null }),
      sent: () => undefined,
      heard: () => undefined,
      release: () => undefined,
    }),
  recordsAtMost: () => Infinity,
  pause: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

const caller = {
  call: (provider: Provider, exchange: { build: (key: string) => { path: string; body: string[] } }) => {
    const { path, body } = exchange.build('k');
    calls.push(`${provider.name} ${path}`);
    return Promise.resolve({ ...answerTo(path, body), durationMs: 5 });
  },
  close: () => Promise.resolve(),
} as unknown as Caller;

function answerTo(path: string, ids: readonly string[]): AnyResult {
  if (path === 'poll') return { kind: 'pending', retryAfterSeconds: null };
  if (path === 'ask') {
    return { kind: 'answers', answers: new Map(ids.map((id) => [id, { outcome: 'miss', costCredits: 0 }])) };
  }
  const externalIds = new Map(ids.map((id) => [id, 'job']));
  return { kind: 'submitted', externalIds, answers: new Map(), retryAfterSeconds: null };
}

function providerNamed(name: string, giveUpSeconds: number): Provider {
  const requestTo = (path: string) => (questions: readonly AskedQuestion[]) => ({
    path,
    body: questions.map(({ id }) => id),
  });
  const contract = {
    forms: ['name_domain'],
    maxQuestionsPerCall: 10,
    maxCostCredits: 2,
    ...(name === 'later'
      ? { pollSeconds: 5, buildSubmit: requestTo('submit'), buildPoll: () => ({ path: 'poll', body: [] }) }
      : { buildRequest: requestTo('ask') }),
  };
  return {
    name,
    adapter: { name, fields: { emails: contract, phones: contract } } as unknown as Adapter,
    baseUrl: `http://${name}.example`,
    key: 'k',
    account: name,
    limits: [],
    concurrent: 10,
    timeoutSeconds: 10,
    maxWaitSeconds: 60,
    giveUpSeconds,
  };
}

/** As if so many seconds had passed since the submission, and the next poll were due. */
async function letPass(seconds: number, batchId: string): Promise<void> {
  await execute(
    database.knex,
    `UPDATE lookups SET asked_at = asked_at - make_interval(secs => ?), poll_at = clock_timestamp() WHERE state = 'asked'`,
    [seconds],
  );
  await execute(database.knex, 'UPDATE batches SET not_before = NULL WHERE id = ?', [batchId]);
}

async function readAttempts() {
  return query<{ provider: string; outcome: string | null; error: string | null; seconds: number }>(
    database.knex,
    `SELECT DISTINCT ON (a.provider) a.provider, a.outcome, l.error, (a.duration_ms / 1000)::int AS seconds
       FROM attempts a JOIN enrichments e ON e.id = a.enrichment_id LEFT JOIN lookups l ON l.id = a.lookup_id
      WHERE e.org_id = ? ORDER BY a.provider`,
    [orgId],
  );
}

describe('a question that is answered later', () => {
  it.each([30, 600, 86_400])(
    'has failed %i seconds after its submission, if that is its provider’s giveUpSeconds: not before, and the next provider is asked',
    async (giveUpSeconds) => {
      worker = startWorker(giveUpSeconds);
      const leadIds = await seedLeads(database.knex, LEADS);
      const { batchId } = await seedAccepted(database.knex, { orgId, leadIds, deadlineSeconds: 500_000 });
      await worker.work(batchId);
      expect(calls).toEqual(['later submit']);
      await letPass(giveUpSeconds / 2, batchId);
      await worker.work(batchId);
      expect(calls).toEqual(['later submit', 'later poll']);
      expect(await readAttempts()).toMatchObject([{ provider: 'later', outcome: null, error: null }]);
      await letPass(giveUpSeconds / 2 + 1, batchId);
      await worker.work(batchId);
      expect(calls).toEqual(['later submit', 'later poll', 'later poll', 'second ask']);
      const [later, second] = await readAttempts();
      expect(later).toMatchObject({
        outcome: 'failed',
        error: expect.stringContaining(
          `no answer ${giveUpSeconds} s after it was submitted (not ready)`,
        ) as string,
      });
      expect(later?.seconds).toBeGreaterThanOrEqual(giveUpSeconds);
      expect(second).toMatchObject({ provider: 'second', outcome: 'miss' });
      // One provider has failed: nobody may conclude that there is nothing.
      expect(await readBalance(database.knex, orgId)).toBe(1_000);
    },
  );
});
