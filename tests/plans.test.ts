/**
 * The plans of the statements that calls wait for, on a database that has been analysed: each reads what it asks for by an
 * index, however the values lie. Statements are taken as the service sends them; those that are prepared, with their generic plan.
 */
import type { Filters } from '@leadwell/api/search/filters';
import { countLeads, listLeadIds } from '@leadwell/api/search/select-leads';
import { acceptRequest } from '@leadwell/api/use-cases/accept-request';
import { parseApiKey } from '@leadwell/shared/domain/api-key';
import { openDatabase, query, type Knex } from '@leadwell/shared/db/database';
import { importLeads } from '@leadwell/shared/leads/import-leads';
import { inTransaction } from '@leadwell/shared/db/transaction';
import type { Ending } from '@leadwell/shared/domain/ending';
import { findKeyHolder } from '@leadwell/shared/repositories/api-keys';
import { claimLookups, lockRowsToAsk, storeAnswers } from '@leadwell/shared/repositories/asks';
import { listAttempts } from '@leadwell/shared/repositories/attempt-queries';
import { claimDueBatches, raiseGenerations } from '@leadwell/shared/repositories/due-batches';
import { claimLease, listAttemptsOfBatches, listPendingRows } from '@leadwell/shared/repositories/leases';
import { findLookups } from '@leadwell/shared/repositories/lookups';
import { findRequest } from '@leadwell/shared/repositories/requests';
import { findSuppressed } from '@leadwell/shared/repositories/suppression-checks';
import { cancelRequest } from '@leadwell/shared/settle/cancel-request';
import { settleTogether } from '@leadwell/shared/settle/settle';
import {
  digestTaskEnrichments,
  findEnrichment,
  listLeadsToRetry,
  listTaskEnrichments,
  type EnrichmentTask,
} from '@leadwell/shared/repositories/enrichment-queries';
import { createLogger } from '@leadwell/shared/runtime/logger';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { Client } from 'pg';
import { seedTenant, type Tenant } from './support/seed';

const LEADS = 4_000;
const TOWNS = 400;
const PROVIDERS = [
  { name: 'hunter', baseUrl: 'http://hunter', forms: ['name_domain', 'linkedin'] as const },
  { name: 'prospeo', baseUrl: 'http://prospeo', forms: ['linkedin'] as const },
];

/** Tables that grow with use. The others have a row for each organisation or key, and are read whole while they are small. */
const LARGE = [
  'people',
  'people_search',
  'enrichments',
  'lookups',
  'request_enrichments',
  'batches',
  'attempts',
  'lead_values',
  'credit_transactions',
];

const LOOKUP = {
  ...{ provider: 'hunter', baseUrl: 'http://hunter', inputHash: Buffer.alloc(32, 7) },
  scope: '00000000-0000-0000-0000-000000000000',
};
const ANSWER = {
  ...{ state: 'miss' as const, candidates: null, error: null, freshSeconds: 60, durationMs: 1 },
  ...{ costCredits: null, statedCredits: null },
};

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: Plan[];
}

interface Sent {
  sql: string;
  bindings: unknown[];
  options?: { name?: string };
}

describe('the plans of what calls wait for', () => {
  let database: TestDatabase;
  let knex: Knex;
  let client: Client;
  let [tenant, other] = [] as unknown as [Tenant, Tenant];
  let leadIds: string[];
  let parents: Map<string, string>;

  beforeAll(async () => {
    database = await createTestDatabase();
    knex = openDatabase({ url: database.url, poolSize: 1, applicationName: 'plans', readsByIndex: true });
    client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('SET enable_seqscan = off');
    await importLeads(knex, { orgId: null, format: 'csv', source: leadFile() });
    leadIds = (await query<{ id: string }>(knex, 'SELECT id FROM people ORDER BY seq')).map(({ id }) => id);
    tenant = await seedTenant(knex, { credits: 1_000_000 });
    other = await seedTenant(knex, { credits: 1_000_000 });
    for (let from = 0; from < LEADS; from += 1000) await order(tenant, leadIds.slice(from, from + 1000));
    await order(other, leadIds.slice(0, 1000));
    await knex.raw(
      `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at)
       SELECT gen_random_uuid(), 'hunter', 'http://hunter', 'emails', name_domain_hash, '00000000-0000-0000-0000-000000000000', 'miss',
              now(), now(), now() + interval '1 day' FROM people`,
    );
    // As autovacuum does after an import: what is new in a GIN index waits in a list until then.
    await knex.raw('VACUUM ANALYZE');
    const rows = await query<{ part: string; whole: string }>(
      knex,
      'SELECT inhrelid::regclass::text AS part, inhparent::regclass::text AS whole FROM pg_inherits',
    );
    parents = new Map(rows.map(({ part, whole }) => [part, whole]));
  });
  afterAll(async () => {
    await client.end();
    await knex.destroy();
    await database.drop();
  });

  function order({ orgId }: Tenant, ids: readonly string[]) {
    const deployment = { emails: PROVIDERS, phones: PROVIDERS };
    return acceptRequest(
      {
        knex,
        publisher: { publish: () => Promise.resolve() },
        logger: createLogger({ level: 'silent', name: 'plans' }),
        config: {
          shareResults: 'on',
          emailCredits: 5,
          phoneCredits: 20,
          batchSize: 50,
          enrichmentDeadlineHours: 24,
        },
        waterfall: { ...deployment, configured: deployment },
      },
      {
        orgId,
        userName: 'tester',
        selection: { mode: 'manual', leadIds: ids, refuse: () => new Error('unknown') as never },
        field: 'emails',
        priority: 'normal',
        retryNotFound: false,
        maxCredits: null,
        idempotency: null,
      },
    );
  }

  /** The plans of everything that `work` sends, each node as `Node on table by index`. */
  async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
    const nodes: string[] = [];
    for (const statement of await statementsOf(work)) nodes.push(...describeNodes(await readPlan(statement)));
    return nodes;
  }

  /** What `work` sends that has a plan. */
  async function statementsOf(work: () => Promise<unknown>): Promise<Sent[]> {
    const sent: Sent[] = [];
    const listen = (statement: Sent): void => void sent.push(statement);
    knex.on('query', listen);
    await work();
    knex.removeListener('query', listen);
    return sent.filter(({ sql }) => /^\s*(SELECT|WITH|INSERT|UPDATE)/i.test(sql));
  }

  async function readPlan({ sql, bindings, options }: Sent): Promise<Plan> {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      options?.name
        ? { text: `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${sql}` }
        : { text: `EXPLAIN (FORMAT JSON) ${sql}`, values: bindings },
    );
    return rows[0]!['QUERY PLAN'][0].Plan;
  }

  function describeNodes(plan: Plan): string[] {
    const own = `${plan['Node Type']} on ${wholeOf(plan['Relation Name'])} by ${wholeOf(plan['Index Name'])}`;
    return [own, ...(plan.Plans ?? []).flatMap(describeNodes)];
  }

  /** Of a partition, or its index, the name of the whole. */
  const wholeOf = (name = ''): string => parents.get(name) ?? name;

  const scansOfLarge = (nodes: readonly string[]): string[] =>
    nodes.filter((node) => LARGE.some((table) => node.startsWith(`Seq Scan on ${table} `)));

  it('never reads a table whole to accept 1,000 leads, new or known', async () => {
    const fresh = await plansOf(() => order(other, leadIds.slice(1000, 2000)));
    const known = await plansOf(() => order(tenant, leadIds.slice(0, 1000)));
    expect(scansOfLarge([...fresh, ...known])).toEqual([]);
    expect(fresh).toEqual(
      expect.arrayContaining([
        'Index Scan on enrichments by enrichments_live',
        'Index Scan on people by people_pkey',
        expect.stringMatching(/Index Scan on lookups by lookups_provider/),
      ]),
    );
  });

  it('finds the rows of a poll, and their digest, by their index', async () => {
    const tasks = leadIds
      .slice(0, 200)
      .map((entityId): EnrichmentTask => ({ entityId, entityType: 'person', field: 'emails' }));
    expect(scansOfLarge(await plansOf(() => findKeyHolder(knex, parseApiKey(tenant.apiKey)!)))).toEqual([]);
    for (const poll of [
      () => listTaskEnrichments(knex, tenant.orgId, tasks),
      () => digestTaskEnrichments(knex, tenant.orgId, tasks),
      () => findEnrichment(knex, { orgId: tenant.orgId, personId: leadIds[0]!, field: 'emails' }),
    ]) {
      const nodes = await plansOf(poll);
      expect(scansOfLarge(nodes)).toEqual([]);
      expect(nodes).toContain('Index Scan on enrichments by enrichments_live');
    }
  });

  it.each<[string, Filters, string]>([
    ['a list', { contact: { location: { any: { include: ['Town7'] } } } }, 'people_search_terms'],
    [
      'a text',
      { contact: { fullName: { any: { include: { content: ['byron77'] } } } } },
      'people_search_words',
    ],
    [
      'a whole text',
      { contact: { fullName: { any: { include: { mode: 'STRICT', content: ['Ada Byron7'] } } } } },
      'people_search_terms',
    ],
    [
      'an exclusion of few',
      { account: { nameOrDomain: { any: { exclude: { mode: 'STRICT', content: ['engine-7.example'] } } } } },
      'people_search_terms',
    ],
  ])('finds what matches %s by its index', async (_form, filters, index) => {
    const wanted = { orgId: tenant.orgId, filters };
    const page = await plansOf(() => listLeadIds(knex, { ...wanted, offset: 0, limit: 1000 }));
    expect(page).toContain(`Bitmap Index Scan on  by ${index}`);
    const count = await plansOf(() => countLeads(knex, wanted));
    expect(count).toContain(`Bitmap Index Scan on  by ${index}`);
  });

  it('touches the enrichments of one organisation alone to accept, poll, work and cancel', async () => {
    const { orgId } = await seedTenant(knex, { credits: 1_000_000 });
    const others = await scansOfOthers(orgId);
    // More often than PostgreSQL plans a prepared statement anew: then it is the plan for any values that must leave the others alone.
    for (let at = 0; at < 8; at++) await useAll(orgId, leadIds.slice(at * 4, at * 4 + 4));
    expect(await scansOfOthers(orgId)).toEqual(others);
    expect(Object.keys(others)).toHaveLength(7);
  });

  /** How often each partition of enrichments was read, but for that of this organisation. */
  async function scansOfOthers(orgId: string): Promise<Record<string, number>> {
    // A connection tells what it has read when it is idle, and at once where it is asked to.
    await query(knex, 'SELECT pg_stat_force_next_flush()');
    await query(knex, 'SELECT 1');
    const rows = await query<{ name: string; scans: number }>(
      knex,
      `SELECT c.relname AS name, (s.seq_scan + coalesce(s.idx_scan, 0))::int AS scans
         FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_stat_user_tables s ON s.relid = c.oid
        WHERE i.inhparent = 'enrichments'::regclass
          AND NOT satisfies_hash_partition('enrichments'::regclass, 8, CAST(substring(c.relname FROM '\\d+$') AS int), CAST(:orgId AS uuid))`,
      { orgId },
    );
    return Object.fromEntries(rows.map(({ name, scans }) => [name, scans]));
  }

  async function useAll(orgId: string, ids: readonly string[]): Promise<void> {
    const { requestId } = await order({ orgId } as Tenant, ids);
    await listTaskEnrichments(
      knex,
      orgId,
      ids.map((entityId) => ({ entityId, entityType: 'person', field: 'emails' })),
    );
    await findRequest(knex, orgId, requestId);
    const due = await claimDueBatches(knex, { orgIds: [orgId], checkSeconds: 0, queuedAtMost: 9, limit: 9 });
    await raiseGenerations(knex, due);
    const [batch] = await query<{ id: string }>(knex, 'SELECT id FROM batches WHERE request_id = ?', [
      requestId,
    ]);
    const lease = await claimLease(knex, {
      ...{ batchId: batch!.id, leaseSeconds: 60, workerName: 'test', alsoReturned: true },
    });
    const rows = await listPendingRows(knex, [lease!]);
    await listAttemptsOfBatches(knex, [lease!]);
    const subjects = rows.map(({ enrichmentId }) => ({ orgId, enrichmentId, fence: lease!.fence }));
    await inTransaction(knex, (trx) => lockRowsToAsk(trx, subjects));
    await findSuppressed(knex, {
      subjects: { enrichments: rows.map(({ enrichmentId: id }) => ({ orgId, id })) },
    });
    const endings = rows.slice(0, 2).map(({ enrichmentId }): Ending => ({
      ...{ enrichmentId, found: false, status: 'failed', error: 'no', lookupId: null, attempts: [] },
    }));
    await settleTogether(knex, [{ batch: lease!, endings }]);
    await listAttempts(knex, { orgId, id: rows[0]!.enrichmentId });
    await cancelRequest(knex, orgId, requestId);
    await listLeadsToRetry(knex, { orgId, requestId });
    await order({ orgId } as Tenant, ids);
  }

  /** The large tables that a plan reads whole, by an index or not. */
  function readsOfAll(plan: Plan): string[] {
    const [type, table] = [plan['Node Type'], wholeOf(plan['Relation Name'])];
    const isWhole = type === 'Seq Scan' || (/^Index (Only )?Scan$/.test(type) && !plan['Index Cond']);
    const index = wholeOf(plan['Index Name']);
    // What is in BullMQ is little, and is looked through.
    const own =
      isWhole && LARGE.includes(table) && index !== 'batches_queued' ? [`${table} by ${index}`] : [];
    return [...own, ...(plan.Plans ?? []).flatMap(readsOfAll)];
  }

  it('finds what a worker asks, stores and settles by index, also where nothing was pending when it was analysed', async () => {
    const { orgId } = await seedTenant(knex, { credits: 1_000_000 });
    await knex.raw(
      `UPDATE enrichments SET status = 'failed', error = 'no', data_found = false, updated_at = now(), ended_at = now() WHERE status = 'pending'`,
    );
    await knex.raw('VACUUM ANALYZE');
    const sent = await statementsOf(async () => {
      await useAll(orgId, leadIds.slice(0, 50));
      await findLookups(knex, 'emails', [LOOKUP]);
      const [claimed] = await claimLookups(knex, 'emails', [{ ...LOOKUP, missesBeforeText: null }], 60);
      await storeAnswers(knex, [{ ...ANSWER, lookupId: claimed!.id, ask: claimed!.ask }]);
    });
    const prepared = sent.filter(({ options }) => options?.name);
    expect(prepared.length).toBeGreaterThan(20);
    // Whichever way of joining looks cheapest by whatever the statistics say. The rows of an UPDATE can only be joined.
    const isJoined = ({ sql }: Sent): boolean => sql.startsWith('UPDATE enrichments');
    const ways = ['nestloop', 'hashjoin', 'mergejoin'];
    for (const kept of ways) {
      for (const way of ways) await client.query(`SET enable_${way} = ${way === kept}`);
      for (const statement of prepared.filter((one) => kept === 'nestloop' || !isJoined(one))) {
        const { sql } = statement;
        expect({ kept, sql, whole: readsOfAll(await readPlan(statement)) }).toEqual({ kept, sql, whole: [] });
      }
    }
    await client.query('RESET ALL; SET enable_seqscan = off');
  });

  it('walks the leads in their order where nothing is asked of them', async () => {
    const wanted = { orgId: tenant.orgId, filters: {} };
    const nodes = await plansOf(() => listLeadIds(knex, { ...wanted, offset: 100, limit: 100 }));
    expect(nodes).toContain('Index Scan on people_search by people_search_pkey');
  });
});

async function* leadFile(): AsyncGenerator<Buffer> {
  yield Buffer.from('first_name,last_name,city,linkedin_url,company,company_domain\n');
  const line = (i: number): string =>
    `Ada,Byron${i},Town${i % TOWNS},https://www.linkedin.com/in/ada-${i},Engine ${i},engine-${i}.example\n`;
  yield await Promise.resolve(Buffer.from(Array.from({ length: LEADS }, (_, i) => line(i)).join('')));
}
