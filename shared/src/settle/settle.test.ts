import { execute, query } from '../db/database';
import type { Ending } from '../domain/ending';
import { newId, SHARED_SCOPE } from '../domain/ids';
import { lockCreditAccount } from '../ledger/lock-account';
import { upsertLeadValues } from '../repositories/lead-values';
import { claimLease } from '../repositories/leases';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { readBalance, seedAccepted, seedLeads, seedOrganisation, type AcceptedBatch } from '../testing/seed';
import { waitUntil } from '../testing/wait-until';
import { settle, type LeasedBatch, type SettleResult } from './settle';

describe('settle', () => {
  let database: TestDatabase;
  let orgId: string;
  let accepted: AcceptedBatch;
  let batch: LeasedBatch;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  beforeEach(async () => {
    orgId = await seedOrganisation(database.knex, 100);
    const leadIds = await seedLeads(database.knex, 4);
    accepted = await seedAccepted(database.knex, { orgId, leadIds });
    const lease = await claimLease(database.knex, {
      batchId: accepted.batchId,
      leaseSeconds: 8,
      workerName: 'test',
      alsoReturned: true,
    });
    batch = lease as LeasedBatch;
  });

  const notFound = (index: number): Ending => ({
    enrichmentId: accepted.enrichmentIds[index] as string,
    found: false,
    status: 'finished',
    error: null,
    lookupId: null,
    attempts: [],
  });
  const found = (index: number, lookupId: string): Ending => ({
    enrichmentId: accepted.enrichmentIds[index] as string,
    found: true,
    lookupId,
    attempts: [{ provider: 'hunter', lookupId, outcome: 'hit', error: null }],
  });
  const storeHit = async (provider = 'hunter', change: object = {}): Promise<string> => {
    const id = newId();
    const candidates = [
      {
        kind: 'email',
        value: 'a@b.example',
        verdict: 'deliverable',
        confidence: 0.9,
        lineType: null,
        flags: [],
        ...change,
      },
    ];
    await execute(
      database.knex,
      `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
       VALUES (?, ?, 'http://x', 'emails', sha256(?), ?, 'hit', clock_timestamp(), clock_timestamp(), clock_timestamp() + '1 day', ?)`,
      [id, provider, Buffer.from(id), SHARED_SCOPE, JSON.stringify(candidates)],
    );
    return id;
  };

  /** Sessions of this database that wait for somebody's lock. */
  const countLockWaits = async (): Promise<number> => {
    const [waits] = await query<{ count: number }>(
      database.knex,
      `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return waits?.count ?? 0;
  };

  it('refunds what found nothing, once, however often it is settled', async () => {
    const first = await settle(database.knex, batch, [notFound(0), notFound(1)]);
    const second = await settle(database.knex, batch, [notFound(0), notFound(1)]);
    expect(first).toMatchObject({ stale: false, batchCompleted: false });
    expect(first.stale || [...first.ended]).toHaveLength(2);
    expect(second.stale || [...second.ended]).toHaveLength(0);
    expect(await readBalance(database.knex, orgId)).toBe(80 + 10);
    const refunds = await query(
      database.knex,
      `SELECT amount FROM credit_transactions WHERE org_id = ? AND type = 'credit_refunded'`,
      [orgId],
    );
    expect(refunds).toEqual([{ amount: 10 }]);
  });

  it('stores the values of a hit for the organisation and keeps its price', async () => {
    const lookupId = await storeHit();
    await settle(database.knex, batch, [found(0, lookupId)]);
    expect(await readBalance(database.knex, orgId)).toBe(80);
    const values = await query(
      database.knex,
      'SELECT value, provider, verdict FROM lead_values WHERE org_id = ?',
      [orgId],
    );
    expect(values).toEqual([{ value: 'a@b.example', provider: 'hunter', verdict: 'deliverable' }]);
    const [row] = await query(
      database.knex,
      'SELECT status, data_found, lookup_id FROM enrichments WHERE id = ?',
      [accepted.enrichmentIds[0]],
    );
    expect(row).toEqual({ status: 'finished', data_found: true, lookup_id: lookupId });
  });

  const listValues = () =>
    query<{ value: string; findings: { provider: string; confidence: number | null }[] }>(
      database.knex,
      `SELECT value, provider, verdict, round(confidence::numeric, 4) AS confidence, flags, findings
         FROM lead_values WHERE org_id = ? ORDER BY value`,
      [orgId],
    );

  it('raises the confidence of a value on which providers agree, and keeps what each of them said', async () => {
    const risky = { verdict: 'risky', confidence: 0.5, flags: ['role'] };
    const [first, second] = [await storeHit('apollo', risky), await storeHit()];
    const other = await storeHit('lusha', { value: 'z@b.example', confidence: null });
    const attempts = [
      { provider: 'apollo', lookupId: first },
      { provider: 'hunter', lookupId: second },
      { provider: 'lusha', lookupId: other },
    ].map((hit) => ({ ...hit, outcome: 'hit' as const, error: null }));
    await settle(database.knex, batch, [{ ...found(0, first), attempts }]);

    const values = await listValues();
    expect(values).toMatchObject([
      { value: 'a@b.example', provider: 'hunter', verdict: 'deliverable', confidence: 0.95, flags: ['role'] },
      { value: 'z@b.example', provider: 'lusha', confidence: null, flags: [] },
    ]);
    expect(values[0]?.findings.map(({ provider, confidence }) => [provider, confidence])).toEqual([
      ['apollo', 0.5],
      ['hunter', 0.9],
    ]);
  });

  it('raises no confidence by the same provider’s word, said again', async () => {
    const leadIds = await seedLeads(database.knex, 1);
    for (const lookupId of [await storeHit(), await storeHit()]) {
      await upsertLeadValues(database.knex, [
        {
          ...{
            orgId,
            leadId: leadIds[0]!,
            kind: 'email',
            value: 'a@b.example',
            verdict: 'deliverable',
            confidence: 0.9,
          },
          ...{ lineType: null, flags: [], provider: 'hunter', enrichmentId: lookupId, foundAt: new Date() },
        },
      ]);
    }
    expect(await listValues()).toMatchObject([{ confidence: 0.9, findings: [{ provider: 'hunter' }] }]);
  });

  it('counts what was stored before findings were as the finding of its provider', async () => {
    const [leadId = ''] = await seedLeads(database.knex, 1);
    await execute(
      database.knex,
      `INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, confidence, provider, enrichment_id, found_at, flags)
       VALUES (?, ?, 'phone', '+15550100', 'unknown', NULL, 'lusha', ?, clock_timestamp() - interval '1 day', '{do_not_call}')`,
      [orgId, leadId, newId()],
    );
    const value = {
      leadId,
      kind: 'phone' as const,
      value: '+15550100',
      verdict: 'unknown' as const,
      flags: [],
    };
    const origin = {
      provider: 'prospeo',
      confidence: null,
      lineType: 'mobile',
      enrichmentId: newId(),
      foundAt: new Date(),
    };
    await upsertLeadValues(database.knex, [{ orgId, ...value, ...origin }]);
    expect(await listValues()).toMatchObject([
      {
        ...{ provider: 'lusha', confidence: 0.75, flags: ['do_not_call'] },
        findings: [{ provider: 'lusha' }, { provider: 'prospeo' }],
      },
    ]);
  });

  it('completes the batch with its last row, and not before', async () => {
    expect(await settle(database.knex, batch, [notFound(0)])).toMatchObject({ batchCompleted: false });
    expect(await settle(database.knex, batch, [1, 2, 3].map(notFound))).toMatchObject({
      batchCompleted: true,
    });
  });

  it('changes nothing under a fence that was raised', async () => {
    await execute(database.knex, 'UPDATE batches SET fence = fence + 1 WHERE id = ?', [batch.id]);
    expect(await settle(database.knex, batch, [notFound(0)])).toEqual({ stale: true });
    expect(await readBalance(database.knex, orgId)).toBe(80);
  });

  it('leaves a row pending whose hit is gone', async () => {
    const result = await settle(database.knex, batch, [found(0, newId())]);
    expect(result.stale || [...result.withoutHit]).toEqual([accepted.enrichmentIds[0]]);
    const [row] = await query(database.knex, 'SELECT status FROM enrichments WHERE id = ?', [
      accepted.enrichmentIds[0],
    ]);
    expect(row).toEqual({ status: 'pending' });
  });

  it('waits for the credit account before it locks a row: whoever holds the account can take the rows', async () => {
    const accepting = await database.knex.transaction();
    let settling: Promise<SettleResult> | undefined;
    try {
      await lockCreditAccount(accepting, orgId);
      settling = settle(database.knex, batch, [notFound(0)]);
      await waitUntil(() => countLockWaits().then((waits) => waits === 1));
      const taken = await query(accepting, 'SELECT id FROM enrichments WHERE id = ? FOR UPDATE NOWAIT', [
        accepted.enrichmentIds[0],
      ]);
      expect(taken).toHaveLength(1);
    } finally {
      await accepting.rollback();
      await settling;
    }
  });

  it('settles one row from two sides at once with one refund', async () => {
    const results = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => settle(database.knex, batch, [notFound(0), notFound(2)])),
    );
    const ended = results.reduce((sum, result) => sum + (result.stale ? 0 : result.ended.size), 0);
    expect(ended).toBe(2);
    expect(await readBalance(database.knex, orgId)).toBe(90);
  });
});
