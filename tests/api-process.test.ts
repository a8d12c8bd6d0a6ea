import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import path from 'node:path';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { guardProcess } from '@leadwell/shared/testing/guard';
import { setLowCreditsThreshold } from '@leadwell/shared/repositories/credits';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { seedLeads, seedTenant } from './support/seed';
import { callApi, startTestApi, type EnrichmentBody, type ErrorBody } from './support/test-api';

const ROOT = path.resolve(__dirname, '..');
const ENRICHMENT = '/api/v1/operations/enrichment';

interface Running {
  process: ChildProcess;
  url: string;
  output(): string;
  exited: Promise<number | null>;
}

/** The built API process, on a free port. */
async function startProcess(env: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, [path.join(ROOT, 'api/dist/main.js')], {
    env: { PATH: process.env['PATH'], PORT: '0', ALLOW_SANDBOX: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardProcess(child);
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const port = await waitUntil(
    () => /"port":(\d+)/.exec(output)?.[1] ?? (child.exitCode !== null && 'exited'),
    {
      message: `the API to listen; it said: ${output}`,
    },
  );
  return { process: child, url: `http://127.0.0.1:${port}`, output: () => output, exited };
}

describe('the API process', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('answers the call under way at SIGTERM, closes idle and silent connections, and exits 0', async () => {
    const api = await startProcess({ DATABASE_URL: database.url });
    const tenant = await seedTenant(database.knex, { credits: 100 });
    const [lead] = (await seedLeads(database.knex, 1)) as [string];
    const silent = connect(Number(new URL(api.url).port), '127.0.0.1').on('error', () => undefined);
    const blocker = await database.knex.transaction();
    await blocker.raw('SELECT 1 FROM credit_accounts WHERE org_id = ? FOR UPDATE', [tenant.orgId]);
    const order = callApi<EnrichmentBody>(api.url, 'POST', `${ENRICHMENT}/${lead}?field=emails`, {
      key: tenant.apiKey,
    });
    await waitUntil(async () => {
      const { rows } = await database.knex.raw<{ rows: unknown[] }>(
        `SELECT 1 FROM pg_stat_activity WHERE application_name = 'leadwell-api' AND wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    api.process.kill('SIGTERM');
    await waitUntil(() => api.output().includes('shutting down'));
    await expect(callApi(api.url, 'GET', '/health/live')).rejects.toThrow();
    await blocker.commit();
    const answer = await order;
    expect([answer.status, answer.json.status]).toEqual([200, 'pending']);
    expect(await api.exited).toBe(0);
    silent.destroy();
  });

  it('keeps keys and bodies out of its log', async () => {
    const api = await startProcess({ DATABASE_URL: database.url, LOG_LEVEL: 'trace' });
    const tenant = await seedTenant(database.knex);
    const headers = { 'idempotency-key': 'secret-idempotency' };
    const body = { selection: 'secret-body', field: 'secret@person.example' };
    await callApi(api.url, 'POST', `${ENRICHMENT}/bulk?secret=query`, { key: tenant.apiKey, body, headers });
    await waitUntil(() => api.output().includes('"status":400'));
    expect(api.output()).not.toMatch(new RegExp(`secret|${tenant.apiKey.slice(3)}`));
    api.process.kill('SIGTERM');
    expect(await api.exited).toBe(0);
  });

  it('starts without its database and its queue, and says what it cannot do', async () => {
    const api = await startProcess({
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      REDIS_URL: 'redis://127.0.0.1:1',
    });
    const tenant = await seedTenant(database.knex);
    expect((await callApi(api.url, 'GET', '/health/live')).status).toBe(200);
    const ready = await callApi<ErrorBody>(api.url, 'GET', '/health/ready');
    expect([ready.status, ready.json.error.details[0]?.part]).toEqual([503, 'database']);
    const call = await callApi<ErrorBody>(api.url, 'GET', '/api/v1/operations/credits/balance', {
      key: tenant.apiKey,
    });
    expect([call.status, call.json.error.code, call.headers.get('retry-after')]).toEqual([
      503,
      'UNAVAILABLE',
      '2',
    ]);
    api.process.kill('SIGTERM');
    expect(await api.exited).toBe(0);
  });

  it('is ready without its queue, and says that it is away', async () => {
    for (const [env, queue] of [
      [{}, 'up'],
      [{ REDIS_URL: 'redis://127.0.0.1:1' }, 'away'],
    ] as const) {
      const api = await startProcess({ DATABASE_URL: database.url, ...env });
      const ready = await callApi<object>(api.url, 'GET', '/health/ready');
      expect([ready.status, ready.json]).toEqual([200, { status: 'ready', database: 'up', queue }]);
      expect((await callApi(api.url, 'GET', '/health/live')).json).toEqual({ status: 'live' });
      api.process.kill('SIGTERM');
      expect(await api.exited).toBe(0);
    }
  });

  it('warns once where a debit takes an organisation below its threshold', async () => {
    const api = await startProcess({ DATABASE_URL: database.url });
    const tenant = await seedTenant(database.knex, { credits: 30 });
    await setLowCreditsThreshold(database.knex, tenant.orgId, 20);
    const leads = await seedLeads(database.knex, 5);
    const warnings = () => api.output().match(/is low on credits/g)?.length ?? 0;
    const told: [number, boolean][] = [];
    for (const lead of leads) {
      const key = tenant.apiKey;
      await callApi(api.url, 'POST', `${ENRICHMENT}/${lead}?field=emails`, { key });
      const { json } = await callApi<{ balance: number; low: boolean }>(
        api.url,
        'GET',
        '/api/v1/operations/credits/balance',
        { key },
      );
      expect(json).toMatchObject({ lowCreditsThreshold: 20 });
      told.push([json.balance, json.low]);
    }
    expect(told).toEqual([
      [25, false],
      [20, false],
      [15, true],
      [10, true],
      [5, true],
    ]);
    await waitUntil(() => warnings() > 0);
    api.process.kill('SIGTERM');
    expect(await api.exited).toBe(0);
    expect(warnings()).toBe(1);
    expect(api.output()).toMatch(
      new RegExp(`"orgId":"${tenant.orgId}","balanceCredits":15,"thresholdCredits":20`),
    );
  });

  it('refuses to start with settings that are not valid, and names each', async () => {
    const child = spawn(process.execPath, [path.join(ROOT, 'api/dist/main.js')], {
      env: { PATH: process.env['PATH'], PORT: 'many', BATCH_SIZE: '0' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
    expect(said).toMatch(/PORT must be/);
    expect(said).toMatch(/BATCH_SIZE must be/);
  });
});

describe('an API whose database is busy', () => {
  it('answers 503 with Retry-After after a bounded wait where no connection is free', async () => {
    const api = await startTestApi({ DATABASE_POOL_SIZE: '2' });
    try {
      const tenant = await seedTenant(api.knex, { credits: 100 });
      const other = await seedTenant(api.knex, { credits: 100 });
      const leads = await seedLeads(api.knex, 8);
      const blocker = await api.knex.transaction();
      await blocker.raw('SELECT 1 FROM credit_accounts WHERE org_id = ? FOR UPDATE', [tenant.orgId]);
      const orders = leads.map((lead) =>
        api.call<ErrorBody>('POST', `${ENRICHMENT}/${lead}?field=emails`, { key: tenant.apiKey }),
      );
      const refused = await Promise.race(orders);
      expect([refused.status, refused.json.error.code, refused.headers.get('retry-after')]).toEqual([
        503,
        'UNAVAILABLE',
        '2',
      ]);
      await blocker.rollback();
      const statuses = (await Promise.all(orders)).map((answer) => answer.status);
      expect(statuses.every((status) => [200, 503].includes(status))).toBe(true);
      const [row] = (await api.knex.raw<{ rows: { n: number }[] }>('SELECT count(*) AS n FROM enrichments'))
        .rows;
      expect(row?.n).toBe(statuses.filter((status) => status === 200).length);
      expect(
        (await api.call('GET', '/api/v1/operations/credits/balance', { key: other.apiKey })).status,
      ).toBe(200);
    } finally {
      await api.close();
    }
  });

  it('answers an order although the relay cannot be told, and cannot be stalled by it', async () => {
    let release = (): void => undefined;
    const stall = () => new Promise<void>((resolve) => (release = resolve));
    const publishers = [() => Promise.reject(new Error('down')), stall];
    for (const publish of publishers) {
      const api = await startTestApi({}, publish);
      try {
        const tenant = await seedTenant(api.knex, { credits: 100 });
        const [lead] = (await seedLeads(api.knex, 1)) as [string];
        const answer = await api.call('POST', `${ENRICHMENT}/${lead}?field=emails`, { key: tenant.apiKey });
        expect(answer.status).toBe(200);
        expect(api.published).toEqual([tenant.orgId]);
      } finally {
        release();
        await api.close();
      }
    }
  });
});
