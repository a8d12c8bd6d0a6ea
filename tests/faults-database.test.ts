/** A database that answers late, never, or that it is full: every wait is bounded, and a 2xx always means rows that last. */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startTcpProxy, through, type TcpProxy } from '@leadwell/harness/tcp-proxy';
import { execute, query, type Knex } from '@leadwell/shared/db/database';
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import { createPrivateDirectory, postgresUser } from '@leadwell/shared/runtime/postgres-user';
import { createTestDatabase } from '@leadwell/shared/testing/database';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client, type EnrichmentView } from './support/client';
import { deploy, type Deployment, type Process } from './support/deployment';
import { readOutcome, settledOnce, untilPendingBelow } from './support/outcome';
import { startOwnPostgres } from './support/own-servers';
import { seedLeads, seedTenant, type Tenant } from './support/seed';

const CREDITS = 10_000;
/** All that a client may wait: a statement's 15 s, and what a busy machine adds. */
const AT_MOST_MS = 25_000;

let deployment: Deployment;
let knex: Knex;
let proxy: TcpProxy;

// Every process reaches the database through the proxy; the test itself does not.
beforeAll(async () => {
  const database = await createTestDatabase();
  proxy = await startTcpProxy(Number(new URL(database.url).port));
  deployment = await deploy({
    backend: { name: 'postgres', redisUrl: undefined },
    database: { ...database, url: through(proxy, database.url) },
    environment: { DATABASE_POOL_SIZE: '2', LEASE_SECONDS: '3', CHECK_SECONDS: '0.5' },
  });
  ({ knex } = database);
});
afterAll(async () => {
  await deployment.stop();
  await proxy.close();
});

interface Answer {
  status: number;
  retryAfter: number;
  ids: string[];
}

async function order(
  tenant: Tenant,
  leadIds: string[],
  key: string,
  apiUrl = deployment.apiUrl,
): Promise<Answer> {
  const client = new Client(apiUrl, tenant.apiKey);
  const body = { selection: { mode: 'manual', includedIds: leadIds }, field: 'emails' };
  const headers = { 'idempotency-key': key };
  const response = await client.call('POST', '/operations/enrichment/bulk', body, headers);
  const rows = (await response.json()) as EnrichmentView[];
  return {
    status: response.status,
    retryAfter: Number(response.headers.get('retry-after')),
    ids: response.ok ? rows.map(({ id }) => id) : [],
  };
}

/** As a client that does what Retry-After says, only sooner, and goes to the other API where one does not listen. */
async function orderUntilAccepted(
  tenant: Tenant,
  leadIds: string[],
  key: string,
  apiUrls = [deployment.apiUrl],
): Promise<Answer> {
  let tries = 0;
  return waitUntil(
    async () => {
      const apiUrl = apiUrls[tries++ % apiUrls.length];
      const answer = await order(tenant, leadIds, key, apiUrl).catch(() => null);
      if (answer === null || answer.status === 200) return answer;
      expect([409, 503]).toContain(answer.status);
      expect(answer.retryAfter).toBeGreaterThan(0);
      return null;
    },
    { timeoutMs: 40_000, message: `order ${key} to be accepted` },
  );
}

const countRows = async (tenant: Tenant): Promise<number> =>
  (await query(knex, 'SELECT 1 FROM enrichments WHERE org_id = ?', [tenant.orgId])).length;

let worker: Process | undefined;

/** By one worker for all tests, which begins when the first has done what needs none. */
async function expectSettled(tenant: Tenant, total: number): Promise<void> {
  worker ??= await deployment.startWorker();
  await untilPendingBelow(knex, 1, 60_000);
  settledOnce(await readOutcome(knex, tenant.orgId), { total, price: 5, credits: CREDITS });
}

it('gives one outcome where the connection is cut during the reply to a COMMIT, of an order or of a settle', async () => {
  const tenant = await seedTenant(knex, { credits: CREDITS });
  const leadIds = await seedLeads(knex, 60);
  proxy.cutCommitReplies(1);
  const cut = await order(tenant, leadIds, 'cut');
  expect(cut).toMatchObject({ status: 503, ids: [] });
  expect(cut.retryAfter).toBeGreaterThan(0);
  // Committed, and nobody was told: the same key tells it.
  expect(await countRows(tenant)).toBe(60);
  const told = await orderUntilAccepted(tenant, leadIds, 'cut');
  expect(told.ids).toHaveLength(60);
  expect(await countRows(tenant)).toBe(60);
  proxy.cutCommitReplies(4);
  await expectSettled(tenant, 60);
  expect(proxy.cutCount()).toBe(5);
});

it('serves 50 clients with a pool of 2, each with an answer that it can act upon', async () => {
  const tenant = await seedTenant(knex, { credits: CREDITS });
  const leadIds = await seedLeads(knex, 50);
  const startedAt = Date.now();
  const first = await Promise.all(leadIds.map((id) => order(tenant, [id], `pool-${id}`)));
  expect(Date.now() - startedAt).toBeLessThan(AT_MOST_MS);
  const accepted = first.filter(({ status }) => status === 200);
  const refused = first.filter(({ status, retryAfter }) => status === 503 && retryAfter > 0);
  expect(accepted.length + refused.length).toBe(50);
  expect(await countRows(tenant)).toBeGreaterThanOrEqual(accepted.length);
  await Promise.all(leadIds.map((id) => orderUntilAccepted(tenant, [id], `pool-${id}`)));
  expect(await countRows(tenant)).toBe(50);
  await expectSettled(tenant, 50);
});

it('answers 503 within the bound while a table is locked for long, serves whoever does not need it, and accepts afterwards', async () => {
  const [one, other] = [await seedTenant(knex, { credits: CREDITS }), await seedTenant(knex)];
  const leadIds = await seedLeads(knex, 5);
  const holder = await knex.transaction();
  await execute(holder, 'LOCK TABLE enrichments IN ACCESS EXCLUSIVE MODE');
  try {
    const startedAt = Date.now();
    const waiting = order(one, leadIds, 'locked');
    const client = new Client(deployment.apiUrl, other.apiKey);
    for (let calls = 0; calls < 5; calls++) expect(await client.balance()).toBe(0);
    const refused = await waiting;
    expect(refused.status).toBe(503);
    expect(refused.retryAfter).toBeGreaterThan(0);
    expect(Date.now() - startedAt).toBeLessThan(AT_MOST_MS);
  } finally {
    await holder.rollback();
  }
  expect(await countRows(one)).toBe(0);
  expect((await orderUntilAccepted(one, leadIds, 'locked')).ids).toHaveLength(5);
  await expectSettled(one, 5);
});

/** A disk of the test's own: only root can mount one. */
function mountDisk(): { directory: string; unmount: () => void } | null {
  const user = postgresUser();
  if (!user) return null;
  const directory = createPrivateDirectory('leadwell-test-disk-', user);
  const options = `size=8m,uid=${user.uid},gid=${user.gid},mode=700`;
  const unmount = (): void => {
    spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true, force: true });
  };
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]).status === 0)
    return { directory, unmount };
  unmount();
  return null;
}

it('accepts nothing that a full disk cannot keep, goes on reading, and accepts again when there is room', async () => {
  const disk = mountDisk();
  if (!disk) return void process.stderr.write('No disk can be mounted here: not tried.\n');
  const own = await startOwnPostgres();
  const crowded = await deploy({
    backend: { name: 'postgres', redisUrl: undefined },
    database: own.database,
  });
  try {
    const db = own.database.knex;
    const tenant = await seedTenant(db, { credits: CREDITS });
    const leadIds = await seedLeads(db, 100);
    await execute(db, `CREATE TABLESPACE crowded LOCATION '${disk.directory}'`);
    const parts = await query<{ name: string }>(
      db,
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'enrichments'::regclass`,
    );
    expect(parts).not.toEqual([]);
    for (const { name } of parts) await execute(db, `ALTER TABLE ${name} SET TABLESPACE crowded`);
    const filler = path.join(disk.directory, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(16 * 1024 ** 2))).toThrow('ENOSPC');
    const refused = await order(tenant, leadIds, 'crowded', crowded.apiUrl);
    expect(refused).toMatchObject({ status: 503, ids: [] });
    expect(refused.retryAfter).toBeGreaterThan(0);
    expect(await new Client(crowded.apiUrl, tenant.apiKey).balance()).toBe(CREDITS);
    expect(await query(db, 'SELECT 1 FROM requests')).toEqual([]);
    rmSync(filler);
    await orderUntilAccepted(tenant, leadIds, 'crowded', [crowded.apiUrl]);
    await crowded.startWorker();
    await untilPendingBelow(db, 1);
    settledOnce(await readOutcome(db, tenant.orgId), { total: 100, price: 5, credits: CREDITS });
  } finally {
    await crowded.stop();
    disk.unmount();
  }
});

it('lets a migration and a rolling restart of every process pass under load, with no answer that a client cannot repeat', async () => {
  const tenant = await seedTenant(knex, { credits: CREDITS });
  const leadIds = await seedLeads(knex, 1_000);
  const port = await findFreePort();
  const apiUrls = [deployment.apiUrl, `http://127.0.0.1:${port}`];
  const [oldWorker, oldApi] = [
    await deployment.startWorker(),
    await deployment.startApi({ PORT: String(port) }),
  ];
  let isOver = false;
  let total = 0;
  const ordering = (async () => {
    for (; !isOver && total < leadIds.length; total += 5) {
      const answer = await orderUntilAccepted(
        tenant,
        leadIds.slice(total, total + 5),
        `roll-${total}`,
        apiUrls,
      );
      expect(answer.ids).toHaveLength(5);
    }
  })();
  // What `npm run migrate` may do to a table in use (docs/deploy.md): the release before runs on.
  await knex.transaction(async (trx) => {
    await execute(trx, `SET LOCAL lock_timeout = '5s'`);
    await execute(trx, `ALTER TABLE enrichments ADD COLUMN probe text NOT NULL DEFAULT ''`);
    await execute(trx, 'CREATE INDEX ON enrichments (probe)');
  });
  await deployment.startWorker();
  expect(await oldWorker.stop()).toBe(0);
  expect(await oldApi.stop()).toBe(0);
  await deployment.startApi({ PORT: String(port) });
  isOver = true;
  await ordering;
  expect(await countRows(tenant)).toBe(total);
  await expectSettled(tenant, total);
});
