/** Processes whose database is gone end in time on SIGTERM, and say truly what they left. */
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment, type Process } from './support/deployment';
import { countPending, untilPendingBelow } from './support/outcome';
import { startOwnPostgres, type OwnPostgres } from './support/own-servers';
import { seedLeads, seedTenant } from './support/seed';

/** What compose grants between SIGTERM and SIGKILL is 35 s; the bound of a worker is 28 s. */
const AT_MOST_MS = 33_000;

interface End {
  code: number | null;
  tookMs: number;
  last: { msg: string; left?: string[] };
}

async function stop(running: Process): Promise<End> {
  const stoppingAt = Date.now();
  const code = await running.stop();
  const last = running.output().trim().split('\n').at(-1) ?? '';
  return { code, tookMs: Date.now() - stoppingAt, last: JSON.parse(last) as End['last'] };
}

describe('SIGTERM while PostgreSQL is away', () => {
  let postgres: OwnPostgres;
  let deployment: Deployment;

  beforeEach(async () => {
    postgres = await startOwnPostgres();
    deployment = await deploy({
      backend: { name: 'postgres', redisUrl: undefined },
      database: postgres.database,
      startsApi: false,
    });
  });
  afterEach(() => deployment.stop());

  it('ends API and workers, names what could not be given back, and the work goes on elsewhere', async () => {
    const { knex } = deployment.database;
    const api = await deployment.startApi();
    const idle = await deployment.startWorker({ QUEUE_PREFIX: 'idle' });
    const tenant = await seedTenant(knex, { credits: 10_000 });
    const client = new Client(deployment.apiUrl, tenant.apiKey);
    deployment.sandbox.setLatency({ minMs: 1_000, maxMs: 2_000 });
    const busy = await deployment.startWorker();
    await client.enrich(await seedLeads(knex, 200), 'emails');
    await untilPendingBelow(knex, 200);
    await postgres.server.kill();
    const ends = await Promise.all([api, idle, busy].map(stop));
    for (const { code, tookMs, last } of ends) {
      expect(tookMs).toBeLessThan(AT_MOST_MS);
      if (code === 0) expect(last.msg).toBe('stopped');
      else {
        expect([code, last.msg]).toEqual([1, expect.stringMatching(/left behind: /)]);
        expect(last.left?.length).toBeGreaterThan(0);
      }
    }
    expect(ends[0]?.code).toBe(0);
    deployment.sandbox.setLatency({ minMs: 0, maxMs: 0 });
    await postgres.server.restart();
    await waitUntil(async () => (await countPending(knex)) < Infinity, { message: 'the database again' });
    await deployment.startWorker();
    await untilPendingBelow(knex, 1);
  });
});
