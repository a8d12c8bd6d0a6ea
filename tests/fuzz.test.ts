/**
 * No input makes the API break, stand still or grow. 1,000 calls here, the same in every run; `npm run fuzz -- --count 100000`
 * sends more, others each time, and `--seed` the same again.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { audit } from '@leadwell/shared/ledger/audit';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { runFuzz } from './fuzz/run';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { seedLeads, seedTenant } from './support/seed';

const { FUZZ_COUNT, FUZZ_SEED } = process.env;
const COUNT = Number(FUZZ_COUNT ?? 1_000);
const SEED = Number(FUZZ_SEED ?? (FUZZ_COUNT === undefined ? 7 : Date.now() % 1_000_000_000));
/** Of the processor's time. */
const MAX_LAG_MS = 200;

jest.setTimeout(120_000 + COUNT * 50);

describe('the API under generated calls', () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await deploy({ backend: queueBackends()[0]!, startsApi: false });
  });
  afterAll(() => deployment.stop());

  it('answers none with a 5xx, hangs at none, stands still for none, keeps nothing of them, and its books add up', async () => {
    const { knex } = deployment.database;
    const api = await deployment.startApi({
      RATE_LIMIT_CALLS: '0',
      AUTH_FAILURES_PER_MINUTE: '0',
      NODE_OPTIONS: `--import=${pathToFileURL(path.join(__dirname, 'fuzz', 'probe.mjs')).href}`,
    });
    const url = deployment.apiUrl;
    const { apiKey: key } = await seedTenant(knex, { credits: 1_000_000 });
    const leadIds = await seedLeads(knex, 200);
    const client = new Client(url, key);
    const order = await client.call('POST', '/operations/enrichment/batch', {
      personIds: leadIds.slice(0, 50),
      field: 'emails',
    });
    const requestIds = [order.headers.get('location')!.split('/').at(-1)!];
    const report = await runFuzz({ seed: SEED, count: COUNT, url, key, known: { leadIds, requestIds }, api });
    process.stdout.write(`${JSON.stringify(report)}\n`);

    expect(report.faults).toEqual([]);
    expect(report.calls).toBe(COUNT);
    expect(report.repeated).toBeLessThanOrEqual(COUNT / 10_000);
    // Calls got to every depth: some were served, some refused for each reason.
    expect(Object.keys(report.statuses)).toEqual(expect.arrayContaining(['200', '400', '404', '415']));
    expect(report.statuses['200']).toBeGreaterThan(COUNT / 20);
    expect(report.maxLagMs).toBeLessThan(MAX_LAG_MS);
    expect(report.heapMb[1]).toBeLessThan(report.heapMb[0] + 50);
    expect((await client.call('GET', '/operations/credits/balance')).status).toBe(200);
    expect(await audit(knex)).toMatchObject({ ok: true });
  });
});
