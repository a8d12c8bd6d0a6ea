/** `data drop` on aged data: whole months go, and everything that is promised of money and of what is kept holds on. */
import { execute, query } from '@leadwell/shared/db/database';
import { newId, SHARED_SCOPE } from '@leadwell/shared/domain/ids';
import type { Ending } from '@leadwell/shared/domain/ending';
import { audit } from '@leadwell/shared/ledger/audit';
import { insertAskedAttempts } from '@leadwell/shared/repositories/asks';
import { getMonthsState, makeMonths } from '@leadwell/shared/repositories/months';
import { settle } from '@leadwell/shared/settle/settle';
import { erasePerson } from '@leadwell/shared/suppression/erase-person';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { runCli } from './support/run-cli';
import { seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type EnrichmentBody, type TestApi } from './support/test-api';

const ENRICHMENT = '/api/v1/operations/enrichment';
const AGE_DAYS = 300;

interface Dropped {
  before: string;
  months: { table: string; month: string; rows: number }[];
  batches: number;
  strays: number;
  lookups: number;
}

let api: TestApi;
let leads: string[];
beforeEach(async () => {
  api = await startTestApi();
  leads = await seedLeads(api.knex, 6);
});
afterEach(() => api.close());

const drop = (...more: string[]) =>
  runCli<Dropped>(['data', 'drop', '--older-than', '6mo', ...more, '--json'], {
    DATABASE_URL: api.databaseUrl,
  });

async function order(tenant: Tenant, leadIds: readonly string[]) {
  const answer = await api.call<EnrichmentBody[]>('POST', `${ENRICHMENT}/bulk`, {
    key: tenant.apiKey,
    body: { selection: { mode: 'manual', includedIds: leadIds }, field: 'emails' },
  });
  expect(answer.status).toBe(200);
  return { rows: answer.json, path: answer.headers.get('location') as string };
}

/** An attempt at each row, then the first is found, the second found nothing, the others failed. */
async function work(tenant: Tenant, rows: readonly EnrichmentBody[]): Promise<void> {
  const lookupIds = rows.map(() => newId());
  const candidates = [
    { kind: 'email', value: 'ada@engine.example', verdict: 'deliverable', confidence: 0.9, flags: [] },
  ];
  await execute(
    api.knex,
    `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
     SELECT l.id, 'hunter', 'http://x', 'emails', sha256(uuid_send(l.id)), :scope, CASE l.n WHEN 1 THEN 'hit' ELSE 'miss' END, clock_timestamp(),
            clock_timestamp(), clock_timestamp() + interval '30 days', CASE l.n WHEN 1 THEN CAST(:candidates AS jsonb) END
       FROM unnest(CAST(:lookupIds AS uuid[])) WITH ORDINALITY AS l (id, n)`,
    { lookupIds, scope: SHARED_SCOPE, candidates: JSON.stringify(candidates) },
  );
  await insertAskedAttempts(
    api.knex,
    rows.map(({ id }, i) => ({
      enrichmentId: id,
      provider: 'hunter',
      lookupId: lookupIds[i]!,
      ask: 1,
      shared: false,
    })),
  );
  const endings = rows.map(({ id }, i): Ending => {
    const base = { enrichmentId: id, attempts: [] };
    if (i === 0) return { ...base, found: true, lookupId: lookupIds[0]! };
    return {
      ...base,
      found: false,
      status: i === 1 ? 'finished' : 'failed',
      error: i === 1 ? null : 'broken',
      lookupId: null,
    };
  });
  const [batch] = await query<{ id: string; requestId: string; fence: number }>(
    api.knex,
    `SELECT DISTINCT b.id, b.request_id AS "requestId", b.fence FROM enrichments e JOIN batches b ON b.id = e.batch_id WHERE e.id = ?`,
    [rows[0]!.id],
  );
  const result = await settle(api.knex, { ...batch!, orgId: tenant.orgId, field: 'emails' }, endings);
  expect(result).toMatchObject({ stale: false, batchCompleted: true });
}

/** Makes everything that is there as if it had been written so many days ago; the ledger keeps its times. */
async function age(days = AGE_DAYS): Promise<void> {
  const aged = (column: string): string =>
    `CAST(lpad(to_hex(CAST(extract(epoch FROM time_of_id(${column}) - interval '${days} days') * 1000 AS bigint)), 12, '0')
          || substr(replace(CAST(${column} AS text), '-', ''), 13) AS uuid)`;
  const past = (column: string): string => `${column} = ${column} - interval '${days} days'`;
  const changes = [
    `requests SET id = ${aged('id')}, ${past('created_at')}`,
    `batches SET request_id = ${aged('request_id')}, ${past('created_at')}`,
    `request_enrichments SET request_id = ${aged('request_id')}, enrichment_id = ${aged('enrichment_id')}`,
    `attempts SET enrichment_id = ${aged('enrichment_id')}, ${past('started_at')}`,
    `enrichments SET id = ${aged('id')}, request_id = ${aged('request_id')}, ${past('created_at')}`,
    `lookups SET id = ${aged('id')}, ${past('expires_at')}`,
  ];
  for (const change of changes) await execute(api.knex, `UPDATE ${change}`);
}

const agedPath = async (tenant: Tenant): Promise<string> => {
  const [row] = await query<{ id: string }>(
    api.knex,
    'SELECT id FROM requests WHERE org_id = ? ORDER BY id LIMIT 1',
    [tenant.orgId],
  );
  return `${ENRICHMENT}/requests/${row!.id}`;
};

async function expectSound(): Promise<void> {
  const { invariants } = await audit(api.knex);
  expect(invariants.filter(({ violations }) => violations > 0)).toEqual([]);
}

const count = async (table: string): Promise<number> => {
  const [row] = await query<{ n: number }>(api.knex, `SELECT count(*)::int AS n FROM ${table}`);
  return row!.n;
};

it('makes the months of rows that lie in none, moves them, and says so', async () => {
  const tenant = await seedTenant(api.knex, { credits: 100 });
  await work(tenant, (await order(tenant, leads)).rows);
  await age();
  expect(await getMonthsState(api.knex)).toEqual({
    monthsAhead: 4,
    strayRows: { requests: 1, request_enrichments: 6, attempts: 6 },
  });
  expect((await runCli(['doctor'], { DATABASE_URL: api.databaseUrl })).stdout).toMatch(
    /6 rows of attempts lie in no month/,
  );
  // By two at once, as two workers do.
  const made = await Promise.all([makeMonths(api.knex), makeMonths(api.knex)]);
  expect(made.flat()).toHaveLength(3);
  expect(await getMonthsState(api.knex)).toMatchObject({
    strayRows: { requests: 0, request_enrichments: 0, attempts: 0 },
  });
  expect([await count('attempts'), await count('request_enrichments')]).toEqual([6, 6]);
  await expectSound();
});

it('drops what is older, keeps money and what was found, and lets everything go on', async () => {
  const tenant = await seedTenant(api.knex, { credits: 1000 });
  await work(tenant, (await order(tenant, leads)).rows);
  await age();
  await makeMonths(api.knex);
  const path = await agedPath(tenant);
  const get = <T = EnrichmentBody[]>(url: string, method = 'GET', body?: object) =>
    api.call<T>(method, url, { key: tenant.apiKey, ...(body && { body }) });
  expect((await get(path)).status).toBe(200);
  const { path: youngPath, rows: young } = await order(tenant, leads.slice(0, 2));
  expect(young.map(({ status }) => status)).toEqual(['finished', 'finished']);

  const would = await drop('--dry-run');
  expect(would.json).toMatchObject({ batches: 1, lookups: 6, strays: 0 });
  expect(would.json.months.map(({ table, rows }) => [table, rows])).toEqual([
    ['requests', 1],
    ['request_enrichments', 6],
    ['attempts', 6],
  ]);
  expect(await count('attempts')).toBe(6);

  const { json, code } = await drop();
  expect({ code, json }).toEqual({ code: 0, json: would.json });
  expect([
    await count('attempts'),
    await count('requests'),
    await count('batches'),
    await count('lookups'),
  ]).toEqual([0, 1, 0, 0]);
  expect(await count('enrichments')).toBe(6);
  await expectSound();
  expect((await drop()).json).toMatchObject({ months: [], batches: 0, lookups: 0 });

  // Nothing is told of the request and the attempts any more; what came of them is.
  expect((await get(path)).status).toBe(404);
  expect((await get(`${path}/results`)).status).toBe(404);
  expect((await get(`${path}/retry`, 'POST')).status).toBe(404);
  expect((await get(`${path}/cancel`, 'POST')).status).toBe(404);
  expect((await get(`${ENRICHMENT}/${leads[0]}/attempts?field=emails`)).json).toMatchObject({
    count: 0,
    attempts: [],
  });
  expect((await get<EnrichmentBody>(`${ENRICHMENT}/${leads[0]}?field=emails`)).json).toMatchObject({
    status: 'finished',
    dataFound: true,
  });
  const tasks = leads.map((entityId) => ({ entityId, field: 'emails' }));
  expect((await get(`${ENRICHMENT}/batch/query`, 'POST', { tasks })).json).toHaveLength(6);
  expect((await get(`${youngPath}/results`)).text).toContain('ada@engine.example');

  // Failed rows get a new round; rows that lost their attempts can be cancelled and erased.
  const again = await order(tenant, leads);
  expect(again.rows.map(({ status }) => status)).toEqual([
    'finished',
    'finished',
    ...Array<string>(4).fill('pending'),
  ]);
  expect((await get(`${again.path}/cancel`, 'POST')).status).toBe(200);
  await erasePerson(api.knex, { leadId: leads[0]! }, 'test');
  await expectSound();
});

it('drops rows that lie in no month too', async () => {
  const tenant = await seedTenant(api.knex, { credits: 100 });
  await work(tenant, (await order(tenant, leads)).rows);
  await age();
  expect((await drop()).json).toMatchObject({ months: [], strays: 13, batches: 1 });
  await expectSound();
});

it('keeps everything while anything from before is open, and whatever is younger', async () => {
  const tenant = await seedTenant(api.knex, { credits: 100 });
  const { rows } = await order(tenant, leads);
  await age();
  await makeMonths(api.knex);
  const refused = await drop();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^7 batches and rows from before .* have not ended\. Nothing was dropped/);
  const [aged] = await query<EnrichmentBody>(api.knex, 'SELECT id FROM enrichments ORDER BY id LIMIT 1');
  expect(aged!.id < rows[0]!.id).toBe(true);
  expect([await count('requests'), await count('request_enrichments'), await count('batches')]).toEqual([
    1, 6, 1,
  ]);
  await expectSound();
});

it('waits for an accept that is under way, and is waited for by none for long', async () => {
  const tenant = await seedTenant(api.knex, { credits: 1000 });
  await work(tenant, (await order(tenant, leads)).rows);
  await age();
  await makeMonths(api.knex);
  const accepting = await api.knex.transaction();
  await accepting.raw('LOCK TABLE requests IN ROW EXCLUSIVE MODE');
  const dropping = drop();
  // Beside the one that waits for its lock, accepts go on.
  for (let i = 0; i < 5; i++) await order(tenant, [leads[i]!]);
  await accepting.commit();
  expect((await dropping).json.months).toHaveLength(3);
  await expectSound();
});

it('leaves an audit that is under way its months', async () => {
  const tenant = await seedTenant(api.knex, { credits: 100 });
  await work(tenant, (await order(tenant, leads)).rows);
  await age();
  await makeMonths(api.knex);
  const waiting = async (table: string): Promise<boolean> => {
    // Databases that are copies of one have tables of one number.
    const waits = await query(
      api.knex,
      `SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE d.datname = current_database() AND relation = CAST(? AS regclass) AND NOT granted`,
      [table],
    );
    return waits.length > 0;
  };
  // The audit has its snapshot, and stands still before it comes to batches and requests.
  const holding = await api.knex.transaction();
  await holding.raw('LOCK TABLE credit_transactions IN ACCESS EXCLUSIVE MODE');
  const auditing = audit(api.knex);
  await waitUntil(() => waiting('credit_transactions'));
  let isDropped = false;
  const dropping = drop().finally(() => (isDropped = true));
  await waitUntil(async () => isDropped || (await waiting('requests')));
  await holding.commit();
  expect((await auditing).invariants.filter(({ violations }) => violations > 0)).toEqual([]);
  expect((await dropping).json.months).toHaveLength(3);
  await expectSound();
});
