/** The worker's core over a real database; only the provider and its limits are played. */
import type { Adapter, AskedQuestion, Answer, CallResult } from '@leadwell/providers/adapter';
import type { Provider, Waterfall } from '@leadwell/providers/provider';
import { createBudget } from '@leadwell/providers/budget';
import { askableWaterfall } from '@leadwell/providers/askable';
import { execute, openDatabase, query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { claimLease } from '@leadwell/shared/repositories/leases';
import { hashSuppressible } from '@leadwell/shared/domain/suppression';
import { insertSuppressions } from '@leadwell/shared/repositories/suppressions';
import { erasePerson } from '@leadwell/shared/suppression/erase-person';
import { saveOwnWaterfall } from '@leadwell/shared/repositories/organisation-waterfalls';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { readBalance, seedAccepted, seedLeads, seedOrganisation } from '@leadwell/shared/testing/seed';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import pino from 'pino';
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '../calls/caller';
import type { Limiter, Refusal } from '../limits/reservation';
import { Desk } from './desk';
import { createLeaseKeeper, type LeaseKeeper } from './lease-keeper';
import { BatchWorker } from './work-batch';

const logged: string[] = [];
const logger = pino({ level: 'warn' }, { write: (line) => void logged.push(line) });
const LEASE_SECONDS = 3;

let database: TestDatabase;
let orgId: string;
let rigs: Rig[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  orgId = await seedOrganisation(database.knex, 10_000);
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.close()));
  rigs = [];
});

/** What a provider says to the questions of one call. */
type Script = (provider: string, ids: readonly string[]) => CallResult | Promise<CallResult>;

interface Rig {
  worker: BatchWorker;
  keeper: LeaseKeeper;
  /** Every call made: the provider and how many questions it held. */
  calls: { provider: string; size: number }[];
  close(): Promise<void>;
}

interface RigOptions {
  answer: Script;
  waterfall?: Waterfall;
  resultSeconds?: number;
  statementTimeoutMs?: number;
  /** How long a row waits for its call, and whether it gets one. */
  reserve?: (provider: Provider, records: number) => Promise<Refusal | null>;
}

function startRig(options: RigOptions): Rig {
  const { statementTimeoutMs } = options;
  const knex = openDatabase({
    url: database.url,
    poolSize: 5,
    applicationName: 'rig',
    ...(statementTimeoutMs !== undefined && { statementTimeoutMs }),
  });
  const [stop, hard] = [new AbortController(), new AbortController()];
  const calls: Rig['calls'] = [];
  const keeper = createLeaseKeeper({ knex, leaseSeconds: LEASE_SECONDS, logger });
  const desk = new Desk({
    knex,
    logger,
    keeper,
    waterfall: options.waterfall ?? WATERFALL,
    leaseSeconds: LEASE_SECONDS,
    timeoutMs: 800_000,
    resultSeconds: options.resultSeconds ?? 86_400,
    limiter: playLimiter(options),
    caller: playCaller(options.answer, calls),
    stopSignal: stop.signal,
    hardSignal: hard.signal,
  });
  const worker = new BatchWorker({
    knex,
    logger,
    desk,
    keeper,
    relay: { publish: () => Promise.resolve() },
    waterfall: askableWaterfall(WATERFALL),
    shareResults: true,
    leaseSeconds: LEASE_SECONDS,
    workerName: 'rig',
  });
  const close = async (): Promise<void> => {
    stop.abort();
    await worker.stop();
    hard.abort();
    keeper.close();
    await knex.destroy();
  };
  const rig = { worker, keeper, calls, close };
  rigs.push(rig);
  return rig;
}

function playLimiter(options: RigOptions): Limiter {
  return {
    async reserve(provider, records) {
      const refusal = await options.reserve?.(provider, records);
      if (refusal) return refusal;
      return {
        granted: true,
        depart: () => Promise.resolve({ granted: true as const, after: null }),
        sent: () => undefined,
        heard: () => undefined,
        release: () => undefined,
      };
    },
    recordsAtMost: () => Infinity,
    pause: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

function playCaller(answer: Script, calls: Rig['calls']): Caller {
  return {
    call: async (provider, exchange) => {
      const ids = exchange.build('k').body as string[];
      calls.push({ provider: provider.name, size: ids.length });
      return { ...(await answer(provider.name, ids)), durationMs: 5 };
    },
    close: () => Promise.resolve(),
  };
}

function providerNamed(name: string): Provider {
  const contract = {
    forms: ['name_domain'],
    maxQuestionsPerCall: 10,
    maxCostCredits: 2,
    buildRequest: (questions: readonly AskedQuestion[]) => ({ body: questions.map(({ id }) => id) }),
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
    giveUpSeconds: 600,
  };
}

const PROVIDERS = ['first', 'second', 'third'].map(providerNamed) as [Provider, Provider, Provider];
const WATERFALL: Waterfall = {
  emails: [PROVIDERS[0], PROVIDERS[1]],
  phones: [PROVIDERS[0]],
  configured: PROVIDERS,
  budgets: { emails: null, phones: null },
};

const all = (ids: readonly string[], outcome: 'miss' | 'restricted' | 'hit'): CallResult => ({
  kind: 'answers',
  answers: new Map(ids.map((id) => [id, ANSWERS[outcome]])),
});
const ANSWERS: Record<'miss' | 'restricted' | 'hit', Answer> = {
  miss: { outcome: 'miss', costCredits: 0 },
  restricted: { outcome: 'restricted', reason: 'opted out' },
  hit: {
    outcome: 'hit',
    costCredits: 1,
    candidates: [
      {
        kind: 'email',
        value: 'a@b.example',
        verdict: 'deliverable',
        confidence: 1,
        lineType: null,
        flags: [],
      },
    ],
  },
};

const own = (...providers: string[]): Promise<void> =>
  saveOwnWaterfall(database.knex, { orgId, field: 'emails', providers });

const accept = async (count: number) =>
  seedAccepted(database.knex, { orgId, leadIds: await seedLeads(database.knex, count) });

async function readRows(of: string = orgId): Promise<{ status: string; found: boolean | null }[]> {
  return query(
    database.knex,
    'SELECT status, data_found AS found FROM enrichments WHERE org_id = ? ORDER BY id',
    [of],
  );
}

async function readBatch(batchId: string) {
  const [row] = await query<{ deliveries: number; fence: number; leased: boolean; completed: boolean }>(
    database.knex,
    `SELECT deliveries, fence, lease_until IS NOT NULL AS leased, completed_at IS NOT NULL AS completed
       FROM batches WHERE id = ?`,
    [batchId],
  );
  return row;
}

const auditFaults = async () =>
  (await audit(database.knex)).invariants.filter((one) => one.violations > 0).map((one) => one.name);

describe('a worker', () => {
  it('asks no other provider about a person of whom one may not speak', async () => {
    const rig = startRig({ answer: (_, ids) => all(ids, 'restricted') });
    const { batchId } = await accept(3);
    await rig.worker.work(batchId);
    expect(rig.calls.map((call) => call.provider)).not.toContain('second');
    expect(await readRows()).toEqual([1, 2, 3].map(() => ({ status: 'failed', found: false })));
    expect(await readBalance(database.knex, orgId)).toBe(10_000);
  });

  it('gives each organisation what it paid for where results are kept for no time, and another asks between answer and settle', async () => {
    const other = await seedOrganisation(database.knex, 10_000);
    const leadIds = await seedLeads(database.knex, 2);
    const mine = await seedAccepted(database.knex, { orgId, leadIds });
    const theirs = await seedAccepted(database.knex, { orgId: other, leadIds });
    const rig = startRig({ answer: (_, ids) => all(ids, 'hit'), resultSeconds: 0 });
    const slow = startRig({
      answer: async (_, ids) => {
        await delay(1_000);
        return all(ids, 'hit');
      },
      resultSeconds: 0,
    });
    let working: Promise<void>[] = [];
    await database.knex.transaction(async (trx) => {
      await execute(trx, 'SELECT 1 FROM credit_accounts WHERE org_id = ? FOR UPDATE', [orgId]);
      working = [rig.worker.work(mine.batchId)];
      await waitUntil(() => isAnswered(mine.enrichmentIds[0] as string));
      working.push(slow.worker.work(theirs.batchId));
      await waitUntil(() => slow.calls.length === 1);
    });
    await Promise.all(working);
    const found = leadIds.map(() => ({ status: 'finished', found: true }));
    expect(await readRows()).toEqual(found);
    expect(await readRows(other)).toEqual(found);
    expect([...rig.calls, ...slow.calls].map((call) => call.provider)).not.toContain('second');
  });

  it('uses the answer that a dead worker was given, however short it is fresh', async () => {
    const { batchId, enrichmentIds } = await accept(1);
    const dead = startRig({ answer: (_, ids) => all(ids, 'hit'), resultSeconds: 0 });
    const settles = database.knex.transaction(async (trx) => {
      // The settle waits for the account; the worker is gone before it gets it.
      await execute(trx, 'SELECT 1 FROM credit_accounts WHERE org_id = ? FOR UPDATE', [orgId]);
      void dead.worker.work(batchId).catch(() => undefined);
      await waitUntil(() => isAnswered(enrichmentIds[0] as string));
      await execute(trx, 'UPDATE batches SET fence = fence + 1, lease_until = NULL WHERE id = ?', [batchId]);
    });
    await settles;
    const heir = startRig({ answer: (_, ids) => all(ids, 'miss') });
    await heir.worker.work(batchId);
    expect(await readRows()).toEqual([{ status: 'finished', found: true }]);
    expect(heir.calls).toEqual([]);
  });

  it('keeps the lease of a batch that it took again when its earlier work at it ends', async () => {
    const { batchId } = await accept(1);
    const { keeper } = startRig({ answer: (_, ids) => all(ids, 'miss') });
    const take = () =>
      claimLease(database.knex, {
        batchId,
        leaseSeconds: LEASE_SECONDS,
        workerName: 'x',
        alsoReturned: true,
      });
    const earlier = (await take()) as { id: string; fence: number };
    keeper.holdLease(earlier, () => undefined);
    await execute(database.knex, 'UPDATE batches SET lease_until = NULL WHERE id = ?', [batchId]);
    const again = (await take()) as { id: string; fence: number };
    let isLost = false;
    keeper.holdLease(again, () => (isLost = true));
    keeper.dropLease(earlier);
    await delay((LEASE_SECONDS + 1) * 1000);
    expect(await take()).toBeNull();
    expect(isLost).toBe(false);
    keeper.dropLease(again);
  });

  it('begins a batch that came back when something of the one before is settled, and does not wait for all of it', async () => {
    const [first, second] = [await accept(11), await accept(2)];
    await execute(database.knex, 'UPDATE batches SET deliveries = 1');
    let hasAnswer = false;
    const rig = startRig({
      // Calls hold ten: the eleventh row of the first batch is asked alone, and has no answer for long.
      answer: async (_, ids) => {
        if (ids.length === 1) await waitUntil(() => hasAnswer, { timeoutMs: 30_000 });
        return all(ids, 'hit');
      },
    });
    const working = rig.worker.work(first.batchId);
    await waitUntil(async () => (await readBatch(first.batchId))?.leased);
    await waitUntil(
      async () => {
        await rig.worker.work(second.batchId);
        return (await readBatch(second.batchId))?.completed;
      },
      { timeoutMs: 20_000, message: 'the second batch to be worked' },
    );
    expect(await readBatch(first.batchId)).toMatchObject({ completed: false, leased: true });
    hasAnswer = true;
    await working;
    expect(await readBatch(first.batchId)).toMatchObject({ completed: true });
  });

  it('works a batch to its end while another, whose job came with it, is locked, and then that one too', async () => {
    const [locked, free] = [await accept(2), await accept(2)];
    const rig = startRig({ answer: (_, ids) => all(ids, 'hit') });
    let working: Promise<void> = Promise.resolve();
    await database.knex.transaction(async (trx) => {
      await execute(trx, 'SELECT 1 FROM batches WHERE id = ? FOR UPDATE', [locked.batchId]);
      working = rig.worker.work(locked.batchId);
      await rig.worker.work(free.batchId);
      expect(await readBatch(free.batchId)).toMatchObject({ completed: true });
      expect(await readBatch(locked.batchId)).toMatchObject({ completed: false, leased: false });
    });
    await working;
    expect(await readBatch(locked.batchId)).toMatchObject({ completed: true });
  });

  it('gives back, as no delivery, a batch that it leases while it is told to stop', async () => {
    const { batchId } = await accept(2);
    const rig = startRig({ answer: (_, ids) => all(ids, 'miss') });
    const working = rig.worker.work(batchId);
    await rig.worker.stop();
    await working;
    expect(await readBatch(batchId)).toMatchObject({ deliveries: 0, leased: false, completed: false });
  });

  it('ends every row after a table was locked while calls were being made', async () => {
    const { batchId } = await accept(4);
    let isLocked = false;
    const rig = startRig({
      answer: (_, ids) => all(ids, 'miss'),
      statementTimeoutMs: 300,
      // Rows wait long enough to be planned anew before they are asked.
      reserve: async () => {
        await waitUntil(() => isLocked);
        return null;
      },
    });
    const working = rig.worker.work(batchId);
    await delay(1_200);
    await missEveryFirst(batchId, 2);
    await database.knex.transaction(async (trx) => {
      await execute(trx, 'LOCK TABLE enrichments IN EXCLUSIVE MODE');
      isLocked = true;
      // Over while the call is made for the second time.
      await delay(1_000);
    });
    await working;
    expect(await readRows()).toEqual(Array(4).fill({ status: 'finished', found: false }));
    // A row that stands twice in one ask breaks it (21000: an upsert of one row twice), and may do so for ever.
    expect(logged.filter((line) => line.includes('21000'))).toEqual([]);
    expect(countAsked(rig, 'first')).toBe(2);
    expect(countAsked(rig, 'second')).toBe(4);
  });

  it('keeps what one half of a divided call has paid for where the other half cannot be taken back', async () => {
    const { batchId } = await accept(2);
    await execute(
      database.knex,
      `CREATE FUNCTION refuse_release() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF NEW.error = 'taken back before an answer' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;
       CREATE TRIGGER refuse_release BEFORE UPDATE ON lookups FOR EACH ROW EXECUTE FUNCTION refuse_release()`,
    );
    let grants = 0;
    const rig = startRig({
      answer: (_, ids) =>
        ids.length > 1 ? { kind: 'bad_input', reason: 'one of them is malformed' } : all(ids, 'hit'),
      // The third: the second half.
      reserve: () =>
        Promise.resolve(
          ++grants === 3
            ? { granted: false, reason: 'too_long', message: 'used up', retryAfterSeconds: 60 }
            : null,
        ),
    });
    try {
      await rig.worker.work(batchId);
    } finally {
      await execute(database.knex, 'DROP TRIGGER refuse_release ON lookups; DROP FUNCTION refuse_release()');
    }
    expect(await readRows()).toEqual(Array(2).fill({ status: 'finished', found: true }));
    const [repeats] = await query<{ sum: number }>(
      database.knex,
      `SELECT sum(l.repeats)::int AS sum FROM attempts a JOIN enrichments e ON e.id = a.enrichment_id JOIN lookups l ON l.id = a.lookup_id
        WHERE e.org_id = ?`,
      [orgId],
    );
    // The half that was never sent, and only that, counts as repeated.
    expect(repeats?.sum).toBe(1);
  });

  it('counts what a lead has cost, stated before priced, against its budget', async () => {
    const budget = createBudget('emails', 4, PROVIDERS, new Map([['second', 2]]));
    const rig = startRig({
      waterfall: { ...WATERFALL, budgets: { emails: budget, phones: null } },
      // Each of two leads is charged 1.5 by the first: 2.5 are left, and the second may take 2 × 2.
      answer: (_, ids) => ({
        kind: 'answers',
        answers: new Map(ids.map((id) => [id, { outcome: 'miss', costCredits: 1 }])),
        statedCredits: 1.5 * ids.length,
      }),
    });
    const { batchId } = await accept(2);
    await rig.worker.work(batchId);
    expect(rig.calls.map((call) => call.provider)).toEqual(['first']);
    const attempts = await query(
      database.knex,
      `SELECT DISTINCT a.provider, a.outcome, a.provider_cost AS cost, a.stated_cost AS stated, e.status
         FROM attempts a JOIN enrichments e ON e.id = a.enrichment_id WHERE e.org_id = ? ORDER BY 1`,
      [orgId],
    );
    expect(attempts).toEqual([
      { provider: 'first', outcome: 'miss', cost: 1, stated: 1.5, status: 'failed' },
      { provider: 'second', outcome: 'skipped', cost: null, stated: null, status: 'failed' },
    ]);
    expect(await readBalance(database.knex, orgId)).toBe(10_000);
  });

  it('asks nobody about a lead that was suppressed after it was accepted, and about its neighbours as ever', async () => {
    const { batchId, enrichmentIds } = await accept(3);
    await suppressLead(enrichmentIds[1] as string);
    const rig = startRig({ answer: (_, ids) => all(ids, 'hit') });
    await rig.worker.work(batchId);
    expect(countAsked(rig, 'first')).toBe(2);
    const found = { status: 'finished', found: true };
    expect(await readRows()).toEqual([found, { status: 'failed', found: false }, found]);
    expect(await readBalance(database.knex, orgId)).toBe(10_000 - 10);
  });

  it('stores no answer about a person who was erased while the provider was asked', async () => {
    const leadIds = await seedLeads(database.knex, 2);
    const { batchId } = await seedAccepted(database.knex, { orgId, leadIds });
    const rig = startRig({
      answer: async (_, ids) => {
        await erasePerson(database.knex, { leadId: leadIds[0] as string }, 'test');
        return all(ids, 'hit');
      },
    });
    await rig.worker.work(batchId);
    expect(rig.calls).toHaveLength(1);
    expect(await readRows()).toEqual([
      { status: 'failed', found: false },
      { status: 'finished', found: true },
    ]);
    const values = await query(database.knex, 'SELECT lead_id FROM lead_values WHERE org_id = ?', [orgId]);
    expect(values).toEqual([{ lead_id: leadIds[1] }]);
    const attempts = await query(
      database.knex,
      'SELECT 1 FROM attempts a JOIN enrichments e ON e.id = a.enrichment_id WHERE e.entity_id = ?',
      [leadIds[0]],
    );
    expect(attempts).toEqual([]);
  });

  it('keeps no answer whose address is suppressed for everybody, whatever lead it was asked about', async () => {
    const { batchId } = await accept(1);
    await erasePerson(database.knex, { email: 'erased@b.example' }, 'test');
    const rig = startRig({
      answer: (_, ids) => {
        const [candidate] = (ANSWERS.hit as Extract<Answer, { outcome: 'hit' }>).candidates;
        if (!candidate) throw new Error('no candidate');
        const answer: Answer = {
          outcome: 'hit',
          costCredits: 1,
          candidates: [{ ...candidate, value: 'erased@b.example' }],
        };
        return { kind: 'answers', answers: new Map(ids.map((id) => [id, answer])) };
      },
    });
    await rig.worker.work(batchId);
    expect(await readRows()).toEqual([{ status: 'failed', found: false }]);
    expect(rig.calls).toHaveLength(1);
    expect(
      await query(database.knex, `SELECT 1 FROM lookups WHERE candidates::text LIKE '%erased@%'`),
    ).toEqual([]);
    expect(await readBalance(database.knex, orgId)).toBe(10_000);
  });

  it('asks nobody again what a provider may not tell, for no organisation and at no provider', async () => {
    const other = await seedOrganisation(database.knex, 100);
    const leadIds = await seedLeads(database.knex, 1);
    const mine = await seedAccepted(database.knex, { orgId, leadIds });
    const rig = startRig({ answer: (_, ids) => all(ids, 'restricted') });
    await rig.worker.work(mine.batchId);
    // What the provider said is forgotten after RESULT_DAYS; the suppression stands.
    await execute(
      database.knex,
      `UPDATE lookups SET expires_at = clock_timestamp() WHERE state = 'restricted'`,
    );
    const theirs = await seedAccepted(database.knex, { orgId: other, leadIds });
    await rig.worker.work(theirs.batchId);
    expect(rig.calls).toEqual([{ provider: 'first', size: 1 }]);
    expect(await readRows(other)).toEqual([{ status: 'failed', found: false }]);
    expect(await readBalance(database.knex, other)).toBe(100);
  });

  it('asks whom the organisation’s own waterfall names, in its order, and nobody else', async () => {
    await own('third', 'first');
    const rig = startRig({ answer: (_, ids) => all(ids, 'miss') });
    const { batchId } = await accept(2);
    await rig.worker.work(batchId);
    expect(rig.calls.map((call) => call.provider)).toEqual(['third', 'first']);
    expect(await readRows()).toEqual(Array(2).fill({ status: 'finished', found: false }));
  });

  it('reads the waterfall with every lease', async () => {
    const rig = startRig({ answer: (_, ids) => all(ids, 'miss') });
    await rig.worker.work((await accept(1)).batchId);
    await own('third');
    await rig.worker.work((await accept(1)).batchId);
    expect(rig.calls.map((call) => call.provider)).toEqual(['first', 'second', 'third']);
  });

  it('fails and refunds, with the reason, what a provider that is not configured any more was to be asked', async () => {
    await own('gone', 'second');
    const rig = startRig({ answer: (_, ids) => all(ids, 'miss') });
    const { batchId } = await accept(2);
    await rig.worker.work(batchId);
    expect(rig.calls.map((call) => call.provider)).toEqual(['second']);
    expect(await readRows()).toEqual(Array(2).fill({ status: 'failed', found: false }));
    expect(await readBalance(database.knex, orgId)).toBe(10_000);
    const errors = await query<{ error: string }>(
      database.knex,
      `SELECT DISTINCT e.error FROM enrichments e JOIN attempts a ON a.enrichment_id = e.id
        WHERE e.org_id = ? AND a.provider = 'gone' AND a.outcome = 'skipped'`,
      [orgId],
    );
    expect(errors).toEqual([{ error: expect.stringContaining('gone: it is not configured') as string }]);
  });

  it('keeps what a provider found that the organisation has taken out since', async () => {
    const { batchId, enrichmentIds } = await accept(1);
    const dead = startRig({ answer: (_, ids) => all(ids, 'hit') });
    await database.knex.transaction(async (trx) => {
      await execute(trx, 'SELECT 1 FROM credit_accounts WHERE org_id = ? FOR UPDATE', [orgId]);
      void dead.worker.work(batchId).catch(() => undefined);
      await waitUntil(() => isAnswered(enrichmentIds[0] as string));
      await execute(trx, 'UPDATE batches SET fence = fence + 1, lease_until = NULL WHERE id = ?', [batchId]);
    });
    await own('third');
    const heir = startRig({ answer: (_, ids) => all(ids, 'miss') });
    await heir.worker.work(batchId);
    expect(await readRows()).toEqual([{ status: 'finished', found: true }]);
    expect(heir.calls).toEqual([]);
  });

  afterEach(async () => expect(await auditFaults()).toEqual([]));
});

function countAsked(rig: Rig, provider: string): number {
  return rig.calls.filter((call) => call.provider === provider).reduce((sum, call) => sum + call.size, 0);
}

/** Puts the LinkedIn profile of a row's lead onto the organisation's own list. */
async function suppressLead(enrichmentId: string): Promise<void> {
  const [lead] = await query<{ url: string }>(
    database.knex,
    'SELECT p.linkedin_url AS url FROM enrichments e JOIN people p ON p.id = e.entity_id WHERE e.id = ?',
    [enrichmentId],
  );
  const hash = hashSuppressible('linkedin', lead?.url ?? '');
  if (!hash) throw new Error('The lead has no LinkedIn profile.');
  const origin = { source: 'operator' as const, reason: '', createdBy: 'test', erasureId: null };
  await insertSuppressions(database.knex, [{ ...hash, orgId }], origin);
}

async function isAnswered(enrichmentId: string): Promise<boolean> {
  const rows = await query(
    database.knex,
    'SELECT 1 FROM attempts WHERE enrichment_id = ? AND outcome IS NOT NULL',
    [enrichmentId],
  );
  return rows.length > 0;
}

/** Another organisation's answers: the first provider has nothing about the first rows of a batch. */
async function missEveryFirst(batchId: string, count: number): Promise<void> {
  await execute(
    database.knex,
    `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at)
     SELECT gen_random_uuid(), 'first', 'http://first.example', 'emails', p.name_domain_hash,
            '00000000-0000-0000-0000-000000000000', 'miss', now(), now(), now() + '1 day'
       FROM enrichments e JOIN people p ON p.id = e.entity_id WHERE e.batch_id = ? ORDER BY e.id LIMIT ?`,
    [batchId, count],
  );
}
