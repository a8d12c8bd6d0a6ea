/** Providers that break, lie, hang and flood: every lead ends once, what is not found is refunded, and nothing unclean is stored. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createSandbox } from '@leadwell/sandbox/sandbox';
import { execute, query } from '@leadwell/shared/db/database';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment, type DeploymentOptions, type Process } from './support/deployment';
import { readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { seedLeads, seedTenant } from './support/seed';

const CREDITS = 100_000;
let deployment: Deployment;
async function start(options: Partial<DeploymentOptions> = {}) {
  deployment = await deploy({ backend: queueBackends()[0]!, sandbox: { pace: 100 }, ...options });
  const { knex } = deployment.database;
  const tenant = await seedTenant(knex, { credits: CREDITS });
  return { knex, tenant, client: new Client(deployment.apiUrl, tenant.apiKey) };
}
afterEach(() => deployment.stop());

const HOSTILE = [
  'html',
  'cut_json',
  'cut_body',
  'empty',
  'wrong_types',
  'masked',
  'missing_items',
  'huge',
  'gzip_bomb',
  'redirect',
  'reset_after_answer',
  'bad_gateway',
] as const;

const PROBE = pathToFileURL(path.join(__dirname, 'support', 'live-memory.mjs')).href;

/** The most megabytes that were alive in the process since this was last asked. */
async function mostAliveMb(worker: Process): Promise<number> {
  const seen = worker.output().length;
  const findLine = (): string | undefined => /^\{"live":.*\}$/m.exec(worker.output().slice(seen))?.[0];
  worker.child.kill('SIGUSR2');
  await waitUntil(findLine, { message: 'the probe in the worker to answer' });
  return (JSON.parse(findLine()!) as { mostMb: number }).mostMb;
}

it('ends and refunds what hostile answers leave, stores nothing unclean, and does not grow', async () => {
  const { knex, tenant, client } = await start();
  const worker = await deployment.startWorker({ NODE_OPTIONS: `--import=${PROBE}` });
  await client.enrich(await seedLeads(knex, 20), 'emails');
  await client.enrich(await seedLeads(knex, 20), 'phones');
  await untilPendingBelow(knex, 1);
  const before = await mostAliveMb(worker);
  for (const kind of HOSTILE) deployment.sandbox.addFault({ kind, rate: 0.15, bytes: 50_000_000 });
  await client.enrich(await seedLeads(knex, 200), 'emails');
  await client.enrich(await seedLeads(knex, 100), 'phones');
  await untilPendingBelow(knex, 1);
  const outcome = await readOutcome(knex, tenant.orgId);
  expect(outcome).toMatchObject({
    total: 340,
    refunded: 340 - outcome.found,
    openBatches: 0,
    violations: [],
  });
  const values = await query<{ value: string }>(knex, 'SELECT value FROM lead_values');
  expect(values.filter(({ value }) => !/^(\+\d{6,15}|[^\s*•@]+@[^\s*•@]+\.[a-z]+)$/.test(value))).toEqual([]);
  const open = await query(knex, `SELECT 1 FROM lookups WHERE state = 'asked'`);
  expect(open).toEqual([]);
  expect((await mostAliveMb(worker)) - before).toBeLessThan(50);

  // All providers at once, every call: half of it 50 MB as they are, half of it a gigabyte unpacked.
  deployment.sandbox.clearFaults();
  await execute(knex, 'DELETE FROM provider_breakers');
  deployment.sandbox.addFault({ kind: 'huge', rate: 0.5, bytes: 50_000_000 });
  deployment.sandbox.addFault({ kind: 'gzip_bomb' });
  await client.enrich(await seedLeads(knex, 200), 'emails');
  await client.enrich(await seedLeads(knex, 200), 'phones');
  await untilPendingBelow(knex, 1);
  const grownMb = (await mostAliveMb(worker)) - before;
  process.stderr.write(`grown by ${Math.round(grownMb)} MB at most\n`);
  expect(grownMb).toBeLessThan(50);
  const end = await readOutcome(knex, tenant.orgId);
  expect(end).toMatchObject({ total: 740, refunded: 740 - end.found, openBatches: 0, violations: [] });
});

it('does not let one provider that hangs keep a lead from its end', async () => {
  const { knex, tenant, client } = await start({
    waterfall: { emails: ['hunter', 'findymail'], phones: ['findymail'] },
    providers: { hunter: { timeoutSeconds: 3 } },
  });
  deployment.sandbox.addFault({ kind: 'hang', provider: 'hunter' });
  await deployment.startWorker();
  await client.enrich(await seedLeads(knex, 30), 'emails');
  await untilPendingBelow(knex, 1);
  settledOnce(await readOutcome(knex, tenant.orgId), { total: 30, price: 5, credits: CREDITS });
});

it('goes on to the next provider where an account is empty or a key is refused, at no tenant’s cost', async () => {
  const { knex, tenant, client } = await start({
    waterfall: { emails: ['hunter', 'prospeo', 'findymail'], phones: ['findymail'] },
  });
  deployment.sandbox.addFault({ kind: 'no_credit', provider: 'hunter' });
  deployment.sandbox.addFault({ kind: 'auth', provider: 'prospeo' });
  await deployment.startWorker();
  const found = await seedLeads(knex, 10, null, 'only-findymail');
  const lost = await seedLeads(knex, 10, null, 'only-hunter');
  await client.enrich([...found, ...lost], 'emails');
  await untilPendingBelow(knex, 1, 60_000);
  settledOnce(await readOutcome(knex, tenant.orgId), { total: 20, price: 5, credits: CREDITS });
  const ends = await query(
    knex,
    `SELECT DISTINCT entity_id = ANY(:found::uuid[]) AS "findymailHas", data_found AS found, status FROM enrichments WHERE org_id = :orgId ORDER BY 1`,
    { found, orgId: tenant.orgId },
  );
  expect(ends).toEqual([
    { findymailHas: false, found: false, status: 'failed' },
    { findymailHas: true, found: true, status: 'finished' },
  ]);
  const breakers = await query(
    knex,
    `SELECT split_part(account, ' ', 1) AS provider, kind FROM provider_breakers ORDER BY 1`,
  );
  expect(breakers).toEqual([
    { provider: 'hunter', kind: 'no_credit' },
    { provider: 'prospeo', kind: 'auth' },
  ]);
});

it('loses with a provider that is gone in the middle of a run what only it could answer, refunded, and nothing else', async () => {
  const hunter = createSandbox({ latency: { minMs: 0, maxMs: 0 } });
  const { knex, tenant, client } = await start({
    waterfall: { emails: ['hunter', 'findymail'], phones: ['findymail'] },
    providers: {
      hunter: { baseUrl: `http://127.0.0.1:${await hunter.listen(0)}/hunter`, maxWaitSeconds: 1 },
    },
  });
  const wishes = { 'only-hunter': 40, 'only-findymail': 20, 'always-hit': 20, 'always-miss': 20 };
  const leadsOf = new Map<string, string[]>();
  for (const [wish, count] of Object.entries(wishes))
    leadsOf.set(wish, await seedLeads(knex, count, null, wish));
  await client.enrich(inTurns([...leadsOf.values()]), 'emails');
  await deployment.startWorker();
  const isAnswered = async (leadIds: string[]): Promise<boolean> => {
    const answered = await query(
      knex,
      `SELECT 1 FROM attempts a JOIN enrichments e ON e.id = a.enrichment_id
        WHERE a.provider = 'hunter' AND a.outcome IN ('hit', 'miss') AND e.entity_id = ANY(:leadIds::uuid[]) LIMIT 1`,
      { leadIds },
    );
    return answered.length > 0;
  };
  // It takes 15 a second: most have not been asked by then.
  await waitUntil(
    async () => (await Promise.all([...leadsOf.values()].map(isAnswered))).every((answered) => answered),
    { message: 'Hunter to have answered one of each' },
  );
  await hunter.close();
  await untilPendingBelow(knex, 1);
  settledOnce(await readOutcome(knex, tenant.orgId), { total: 100, price: 5, credits: CREDITS });
  const endsOf = async (wish: string) => {
    const rows = await query<{ end: string; hunter: string }>(
      knex,
      `SELECT CASE WHEN e.data_found THEN 'found' ELSE e.status END AS end, coalesce(a.outcome, 'skipped') AS hunter
         FROM enrichments e LEFT JOIN attempts a ON a.enrichment_id = e.id AND a.provider = 'hunter'
        WHERE e.org_id = :orgId AND e.entity_id = ANY(:leadIds::uuid[])`,
      { orgId: tenant.orgId, leadIds: leadsOf.get(wish) },
    );
    // Answered before its death, or not: a failed call is as good as none.
    return rows.map(
      ({ end, hunter: said }) => `${said === 'hit' || said === 'miss' ? said : 'nothing'}: ${end}`,
    );
  };
  const [onlyHunter, onlyFindymail, both, neither] = await Promise.all(Object.keys(wishes).map(endsOf));
  expect(new Set(onlyHunter)).toEqual(new Set(['hit: found', 'nothing: failed']));
  expect(new Set(onlyFindymail)).toEqual(new Set(['miss: found', 'nothing: found']));
  expect(new Set(both)).toEqual(new Set(['hit: found', 'nothing: found']));
  expect(new Set(neither)).toEqual(new Set(['miss: finished', 'nothing: failed']));
});

it('loses with a provider that is gone before it answers what it has taken only what it alone could answer', async () => {
  const dropcontact = createSandbox({ latency: { minMs: 0, maxMs: 0 } });
  const { knex, tenant, client } = await start({
    waterfall: { emails: ['dropcontact', 'leadmagic'], phones: ['leadmagic'] },
    providers: { dropcontact: { baseUrl: `http://127.0.0.1:${await dropcontact.listen(0)}/dropcontact` } },
    environment: { CHECK_SECONDS: '0.2' },
  });
  const wishes = ['only-dropcontact', 'only-leadmagic', 'always-hit', 'always-miss'];
  /** Orders five leads of each wish; gives how those of each have ended, when asked. */
  const orderOfEach = async () => {
    const leadsOf = new Map<string, string[]>();
    for (const wish of wishes) leadsOf.set(wish, await seedLeads(knex, 5, null, wish));
    await client.enrich([...leadsOf.values()].flat(), 'emails');
    const endsOf = (wish: string): Promise<{ end: string; leads: number }[]> =>
      query(
        knex,
        `SELECT CASE WHEN data_found THEN 'found' ELSE status END AS end, count(*) AS leads
           FROM enrichments WHERE entity_id = ANY(:leadIds::uuid[]) GROUP BY 1`,
        { leadIds: leadsOf.get(wish) },
      );
    return async (): Promise<Record<string, unknown>> => {
      const ends = await Promise.all(wishes.map(endsOf));
      return Object.fromEntries(wishes.map((wish, i) => [wish, ends[i]]));
    };
  };
  const count = async (what: string): Promise<number> =>
    (await query<{ count: number }>(knex, `SELECT count(*) FROM ${what}`))[0]?.count ?? 0;
  const endsWith = await orderOfEach();
  await deployment.startWorker();
  await untilPendingBelow(knex, 1);
  expect(await count(`attempts WHERE provider = 'dropcontact' AND outcome IN ('hit', 'miss')`)).toBe(20);

  const endsOfTaken = await orderOfEach();
  const taken = `lookups WHERE state = 'asked' AND external_id IS NOT NULL`;
  await waitUntil(async () => (await count(taken)) === 20, { message: 'all submissions to be stored' });
  await dropcontact.close();
  const endsWithout = await orderOfEach();
  await waitUntil(async () => (await count(`enrichments WHERE status = 'pending'`)) <= 20, {
    message: 'what it has not taken to end',
  });
  expect(await count(taken)).toBe(20);
  // Ten minutes pass.
  await execute(
    knex,
    `UPDATE lookups SET asked_at = asked_at - interval '600 s', poll_at = clock_timestamp() WHERE state = 'asked'`,
  );
  await execute(
    knex,
    `UPDATE batches SET not_before = NULL, next_check_at = clock_timestamp() WHERE lease_until IS NULL`,
  );
  await untilPendingBelow(knex, 1);
  settledOnce(await readOutcome(knex, tenant.orgId), { total: 60, price: 5, credits: CREDITS });
  expect(await count('lookups WHERE repeats > 0')).toBe(0);
  const [found, nothing, failed] = ['found', 'finished', 'failed'].map((end) => [{ end, leads: 5 }]);
  const onlyOthers = { 'only-leadmagic': found, 'always-hit': found };
  expect(await endsWith()).toEqual({ ...onlyOthers, 'only-dropcontact': found, 'always-miss': nothing });
  const without = { ...onlyOthers, 'only-dropcontact': failed, 'always-miss': failed };
  expect(await endsWithout()).toEqual(without);
  expect(await endsOfTaken()).toEqual(without);
});

/** The first of each list, then the second of each, and so on. */
function inTurns(lists: readonly string[][]): string[] {
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
}
