import pino from 'pino';
import { execute, query } from '../db/database';
import type { Field } from '../domain/enrichment';
import { newId, SHARED_SCOPE } from '../domain/ids';
import type { AskableWaterfall } from '../domain/waterfall';
import { batchJobId, openBatchQueues, type BatchQueues, type QueueLocation } from '../queue/batch-queues';
import { startBatchConsumer } from '../queue/batch-consumer';
import { lockRowsToAsk } from '../repositories/asks';
import { claimDueBatches, type DueBatch } from '../repositories/due-batches';
import { claimLease } from '../repositories/leases';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { queueBackends } from '../testing/queue-backends';
import { readBalance, seedAccepted, seedLeads, seedOrganisation } from '../testing/seed';
import { waitUntil } from '../testing/wait-until';
import { endBatch } from './end-batch';
import { createRelay, QUEUED_AT_MOST, type Relay } from './relay';

const providers: AskableWaterfall['configured'] = {
  emails: [{ name: 'hunter', baseUrl: 'http://x', forms: ['name_domain', 'name_company'] }],
  phones: [{ name: 'prospeo', baseUrl: 'http://y', forms: ['linkedin'] }],
};
const waterfall: AskableWaterfall = { ...providers, configured: providers };
const logger = pino({ level: 'silent' });
const config = { checkSeconds: 2, shareResults: 'on', enrichmentDeadlineHours: 24 } as const;

describe.each(queueBackends())('the relay on $name', ({ redisUrl }) => {
  let database: TestDatabase;
  let location: QueueLocation;
  let queues: BatchQueues;
  let relay: Relay;
  let orgId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    location = { redisUrl, databaseUrl: database.url, prefix: `t${newId().slice(-8)}` };
    queues = openBatchQueues(location, () => undefined);
    relay = createRelay({
      knex: database.knex,
      queues,
      waterfall,
      config,
      logger,
    });
  });
  afterAll(async () => {
    await queues.close();
    await database.drop();
  });
  beforeEach(async () => {
    orgId = await seedOrganisation(database.knex, 10_000);
  });

  const accept = async (count: number, deadlineSeconds = 3_600, field: Field = 'emails') =>
    seedAccepted(database.knex, {
      orgId,
      leadIds: await seedLeads(database.knex, count),
      deadlineSeconds,
      field,
    });
  const makeDue = () =>
    execute(database.knex, 'UPDATE batches SET next_check_at = clock_timestamp() WHERE org_id = ?', [orgId]);
  const setBatch = (id: string, change: string) =>
    execute(database.knex, `UPDATE batches SET ${change} WHERE id = ?`, [id]);
  const stateOf = (batchId: string, generation: number) =>
    queues.getState('emails', batchJobId(batchId, generation));
  const readBatches = () =>
    query<{
      id: string;
      generation: number;
      size: number;
      deliveries: number;
      completed: boolean;
      fence: number;
    }>(
      database.knex,
      `SELECT id, generation, size, deliveries, completed_at IS NOT NULL AS completed, fence FROM batches WHERE org_id = ? ORDER BY id`,
      [orgId],
    );

  const lease = (batchId: string, leaseSeconds = 8) =>
    claimLease(database.knex, { batchId, leaseSeconds, workerName: 'test', alsoReturned: true });
  const readStatuses = async () => {
    const rows = await query<{ status: string }>(
      database.knex,
      'SELECT status FROM enrichments WHERE org_id = ? ORDER BY id',
      [orgId],
    );
    return rows.map((row) => row.status);
  };
  const storeHit = async (enrichmentId: string, hit: { confidence: number; expires: string }) => {
    const id = newId();
    await execute(
      database.knex,
      `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
       SELECT :id, 'hunter', 'http://x', 'emails', p.name_domain_hash, :scope, 'hit', now(), now(), now() + :expires::interval,
              jsonb_build_array(jsonb_build_object('kind', 'email', 'value', 'a@b.example', 'verdict', 'deliverable',
                'confidence', :confidence::float8, 'lineType', null, 'flags', '[]'::jsonb))
         FROM enrichments e JOIN people p ON p.id = e.entity_id WHERE e.id = :enrichmentId`,
      { id, scope: SHARED_SCOPE, enrichmentId, ...hit },
    );
    return id;
  };

  it('queues a due batch once, whoever looks how often', async () => {
    const { batchId } = await accept(3);
    await Promise.all([relay.publish(orgId), relay.publish(), relay.publish(orgId)]);
    await relay.publish(orgId);
    expect(await stateOf(batchId, 1)).toMatch(/waiting|prioritized/);
    expect(await readBatches()).toMatchObject([{ generation: 1 }]);
  });

  it('queues the batches of several organisations in one step, and of nobody else', async () => {
    const batchIds: string[] = [];
    const orgIds: string[] = [];
    for (let i = 0; i < 3; i++) {
      orgIds.push((orgId = await seedOrganisation(database.knex, 10_000)));
      batchIds.push((await accept(1)).batchId);
    }
    await relay.publish(...orgIds.slice(1));
    const states = await Promise.all(batchIds.map((batchId) => stateOf(batchId, 1)));
    expect(states).toEqual(['unknown', 'prioritized', 'prioritized']);
  });

  it('leaves a queued job alone and makes a new generation of a lost one', async () => {
    const { batchId } = await accept(1);
    await relay.publish(orgId);
    await makeDue();
    await relay.publish(orgId);
    expect(await readBatches()).toMatchObject([{ generation: 1 }]);
    const job = await queues.queues[0]?.getJob(batchJobId(batchId, 1));
    await job?.remove();
    await makeDue();
    await relay.publish(orgId);
    expect(await readBatches()).toMatchObject([{ generation: 2 }]);
    expect(await stateOf(batchId, 2)).toMatch(/waiting|prioritized/);
  });

  it('has a batch delivered again whose job stands still at a worker', async () => {
    const { batchId } = await accept(1);
    await relay.publish(orgId);
    const standing: (() => void)[] = [];
    const consumer = await startBatchConsumer({
      location,
      field: 'emails',
      concurrency: 50,
      work: (id) => new Promise((resolve) => (id === batchId ? standing.push(resolve) : resolve())),
      onFailed: () => undefined,
      onError: () => undefined,
    });
    try {
      await waitUntil(() => standing.length === 1);
      await setBatch(batchId, `raised_at = clock_timestamp() - interval '5 seconds'`);
      await makeDue();
      await relay.publish(orgId);
      await waitUntil(() => standing.length === 2, {
        timeoutMs: 20_000,
        message: 'the job of the next generation',
      });
    } finally {
      for (const end of standing) end();
      await consumer.close(20_000);
    }
  });

  it('does not touch a batch under a live lease or one that is to wait, unless the time is further ahead than can be', async () => {
    const { batchId } = await accept(1);
    await claimLease(database.knex, { batchId, leaseSeconds: 8, workerName: 'test', alsoReturned: true });
    await relay.publish(orgId);
    expect(await readBatches()).toMatchObject([{ generation: 0 }]);
    await setBatch(
      batchId,
      `lease_until = NULL, next_check_at = clock_timestamp(), not_before = clock_timestamp() + '20 seconds'`,
    );
    await relay.publish(orgId);
    expect(await readBatches()).toMatchObject([{ generation: 0 }]);
    await setBatch(
      batchId,
      `next_check_at = clock_timestamp(), lease_until = clock_timestamp() + '1 day', not_before = clock_timestamp() + '9 days'`,
    );
    await relay.publish(orgId);
    expect(await readBatches()).toMatchObject([{ generation: 1 }]);
  });

  it('keeps one organisation to its share of the queue', async () => {
    const leadIds = await seedLeads(database.knex, QUEUED_AT_MOST + 5);
    for (const leadId of leadIds) await seedAccepted(database.knex, { orgId, leadIds: [leadId] });
    await relay.publish(orgId);
    await makeDue();
    await relay.publish(orgId);
    const queued = (await readBatches()).filter((batch) => batch.generation > 0);
    expect(queued).toHaveLength(QUEUED_AT_MOST);
  });

  it('ends what is past its deadline as timeout, refunded, and what a stored hit answers as found', async () => {
    const { batchId, enrichmentIds } = await accept(3, -1);
    await execute(
      database.knex,
      `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
       SELECT ?, 'hunter', 'http://x', 'emails', p.name_domain_hash, ?, 'hit', now(), now(), now() + '1 day',
              '[{"kind":"email","value":"a@b.example","verdict":"deliverable","confidence":1,"lineType":null,"flags":[]}]'
         FROM enrichments e JOIN people p ON p.id = e.entity_id WHERE e.id = ?`,
      [newId(), SHARED_SCOPE, enrichmentIds[1]],
    );
    const before = await claimLease(database.knex, {
      batchId,
      leaseSeconds: 8,
      workerName: 'test',
      alsoReturned: true,
    });
    await relay.publish(orgId);
    const rows = await query(
      database.knex,
      'SELECT status, data_found FROM enrichments WHERE batch_id = ? ORDER BY id',
      [batchId],
    );
    expect(rows).toEqual([
      { status: 'timeout', data_found: false },
      { status: 'finished', data_found: true },
      { status: 'timeout', data_found: false },
    ]);
    expect(await readBalance(database.knex, orgId)).toBe(10_000 - 5);
    expect(await readBatches()).toMatchObject([{ completed: true }]);
    expect((await readBatches())[0]?.fence).toBeGreaterThan(before?.fence ?? Infinity);
  });

  it('splits a batch that two workers died with, and gives up what three died with', async () => {
    const { batchId } = await accept(3);
    await setBatch(batchId, 'deliveries = 2');
    await relay.publish(orgId);
    const singles = (await readBatches()).filter((batch) => !batch.completed);
    expect(singles).toMatchObject([1, 2, 3].map(() => ({ size: 1, deliveries: 2 })));
    await setBatch(singles[0]?.id as string, 'deliveries = 3');
    await makeDue();
    await relay.publish(orgId);
    const statuses = await query<{ status: string }>(
      database.knex,
      'SELECT status FROM enrichments WHERE org_id = ? ORDER BY status',
      [orgId],
    );
    expect(statuses.map((row) => row.status)).toEqual(['failed', 'pending', 'pending']);
    expect(await readBalance(database.knex, orgId)).toBe(10_000 - 10);
  });

  it('lets no worker that had a batch before it was split ask anything for its rows, whoever has them now', async () => {
    const { batchId, enrichmentIds } = await accept(2);
    const late = await lease(batchId);
    await setBatch(batchId, 'lease_until = NULL');
    await lease(batchId);
    await setBatch(batchId, 'lease_until = NULL');
    await relay.publish(orgId);
    const singles = (await readBatches()).filter((batch) => !batch.completed);
    for (const single of singles) expect(await lease(single.id)).toMatchObject({ deliveries: 3 });
    const rows = enrichmentIds.map((enrichmentId) => ({ orgId, enrichmentId, fence: late!.fence }));
    expect(await lockRowsToAsk(database.knex, rows)).toEqual(new Set());
  });

  it('gives nothing up that a worker has taken since it was looked at', async () => {
    const { batchId } = await accept(1);
    await setBatch(batchId, 'deliveries = 3');
    const [seen] = await claimDueBatches(database.knex, {
      orgIds: [orgId],
      checkSeconds: 2,
      queuedAtMost: QUEUED_AT_MOST,
      limit: 10,
    });
    await setBatch(batchId, 'fence = fence + 1');
    const options = { error: 'x', waterfall, logger, scopeOf: () => SHARED_SCOPE };
    await endBatch(database.knex, seen as DueBatch, { ...options, status: 'failed', unlessTaken: true });
    expect(await readStatuses()).toEqual(['pending']);
    await endBatch(database.knex, seen as DueBatch, { ...options, status: 'timeout', unlessTaken: false });
    expect(await readStatuses()).toEqual(['timeout']);
  });

  it('leaves to the relay, whatever jobs are delivered, a batch that is to be split or given up', async () => {
    const { batchId } = await accept(2);
    await setBatch(batchId, 'deliveries = 1');
    expect(await lease(batchId)).toMatchObject({ deliveries: 2 });
    await setBatch(batchId, 'lease_until = NULL');
    expect(await lease(batchId)).toBeNull();
    const single = await accept(1);
    await setBatch(single.batchId, 'deliveries = 2');
    expect(await lease(single.batchId)).toMatchObject({ deliveries: 3 });
    await setBatch(single.batchId, 'lease_until = NULL');
    expect(await lease(single.batchId)).toBeNull();
  });

  it('leaves a batch to the worker that has it, however much longer leases that worker takes', async () => {
    const { batchId } = await accept(1);
    await setBatch(batchId, 'deliveries = 2');
    await lease(batchId, 300);
    expect(await lease(batchId, 8)).toBeNull();
    await makeDue();
    await relay.publish(orgId);
    expect(await readBatches()).toMatchObject([{ generation: 0, completed: false, deliveries: 3 }]);
    expect(await readStatuses()).toEqual(['pending']);
  });

  it('ends a row at its deadline even where its stored hit cannot be written, and its neighbours with it', async () => {
    const { enrichmentIds } = await accept(2, -1);
    await storeHit(enrichmentIds[0] as string, { confidence: 7, expires: '1 day' });
    await relay.publish(orgId);
    expect(await readStatuses()).toEqual(['timeout', 'timeout']);
    expect(await readBalance(database.knex, orgId)).toBe(10_000);
    expect(await readBatches()).toMatchObject([{ completed: true }]);
  });

  it('ends a row as found by the answer that it was given itself, also where that is fresh for nobody else', async () => {
    const { enrichmentIds } = await accept(2, -1);
    const lookupIds = [
      await storeHit(enrichmentIds[0] as string, { confidence: 1, expires: '-1 second' }),
      await storeHit(enrichmentIds[1] as string, { confidence: 1, expires: '-1 second' }),
    ];
    await execute(
      database.knex,
      `INSERT INTO attempts (enrichment_id, provider, lookup_id, ask, shared, outcome, started_at, ended_at)
       VALUES (?, 'hunter', ?, 1, false, 'hit', now(), now())`,
      [enrichmentIds[0], lookupIds[0]],
    );
    await relay.publish(orgId);
    expect(await readStatuses()).toEqual(['finished', 'timeout']);
    expect(await readBalance(database.knex, orgId)).toBe(10_000 - 5);
  });

  it('completes a batch without pending rows', async () => {
    const { batchId } = await accept(1, 3_600, 'phones');
    await execute(
      database.knex,
      `UPDATE enrichments SET status = 'cancelled', data_found = false, ended_at = now() WHERE batch_id = ?`,
      [batchId],
    );
    await relay.publish(orgId);
    expect(await readBatches()).toMatchObject([{ completed: true }]);
  });
});
