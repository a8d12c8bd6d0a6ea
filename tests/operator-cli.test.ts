/** `batches`, `requests` and `doctor`: what an operator is told, on both queue backends. */
import { execute } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { batchJobId } from '@leadwell/shared/queue/batch-queues';
import { createEmptyDatabase } from '@leadwell/shared/testing/database';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from './support/run-cli';
import { seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type TestApi } from './support/test-api';

interface ShownBatch {
  id: string;
  requestId: string;
  orgId: string;
  state: string;
  why: string;
  pendingCount: number;
  size: number;
}
interface Finding {
  check: string;
  level: 'ok' | 'note' | 'wrong';
  finding: string;
  action: string | null;
}

describe.each(queueBackends())('with the queue on $name', (backend) => {
  let api: TestApi;
  let env: NodeJS.ProcessEnv;
  let tenant: Tenant;

  beforeEach(async () => {
    const settings = {
      QUEUE_PREFIX: `t${newId().slice(-10)}`,
      BATCH_SIZE: '10',
      // A command takes seconds on a loaded machine: a lease of 8 s would run out before it is read.
      LEASE_SECONDS: '300',
      ...(backend.redisUrl && { REDIS_URL: backend.redisUrl }),
    };
    api = await startTestApi(settings);
    env = { ...settings, DATABASE_URL: api.databaseUrl, ALLOW_SANDBOX: 'true' };
    tenant = await seedTenant(api.knex, { credits: 10_000 });
  });
  afterEach(() => api.close());

  const order = async (count: number): Promise<string> => {
    const includedIds = await seedLeads(api.knex, count);
    const answer = await api.call('POST', '/api/v1/operations/enrichment/bulk', {
      key: tenant.apiKey,
      body: { selection: { mode: 'manual', includedIds }, field: 'emails' },
    });
    expect(answer.status).toBe(200);
    return answer.headers.get('location')?.split('/').at(-1) ?? '';
  };
  const batches = async (...args: string[]): Promise<ShownBatch[]> => {
    const { code, stderr, json } = await runCli<{ batches: ShownBatch[] }>(
      ['batches', ...args, '--json'],
      env,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return json.batches;
  };
  const change = (id: string, assignments: string): Promise<number> =>
    execute(api.knex, `UPDATE batches SET ${assignments} WHERE id = ?`, [id]);
  const doctor = async (extra: NodeJS.ProcessEnv = {}) => {
    const { code, json } = await runCli<{ ok: boolean; findings: Finding[] }>(['doctor', '--json'], {
      ...env,
      ...extra,
    });
    const about = (check: string): Finding[] => json.findings.filter((one) => one.check === check);
    return { code, ...json, about, wrong: json.findings.filter(({ level }) => level === 'wrong') };
  };

  it('says of every open batch where it is and why, and finds it by its job’s id', async () => {
    const requestId = await order(70);
    const ids = (await batches()).map(({ id }) => id);
    const [due, queued, leased, waiting, lost, overdue, poisonous] = ids as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const raised = `generation = 1, queued_at = clock_timestamp(), raised_at = clock_timestamp() - interval '9 s'`;
    await change(queued, raised);
    await api.queues.add('emails', [{ batchId: queued, generation: 1, priority: 1 }]);
    await change(
      leased,
      `${raised}, lease_until = clock_timestamp() + interval '5 min', leased_by = 'host:7', fence = 1`,
    );
    await change(waiting, `not_before = clock_timestamp() + interval '10 min'`);
    // Its job is not in the queue: lost, and due again.
    await change(lost, raised);
    await change(overdue, `deadline_at = clock_timestamp() - interval '1 s'`);
    await change(poisonous, 'deliveries = 2');

    const shown = new Map((await batches('--request', requestId)).map((batch) => [batch.id, batch]));
    const said = ids.map((id) => `${shown.get(id)?.state}: ${shown.get(id)?.why}`);
    expect(said).toEqual([
      'due: It is to be queued by the relay at its next look.',
      'queued: Its job waits in the queue for a worker that is free.',
      'leased: host:7 works it; no call is under way: its rows wait for a turn or a limit.',
      expect.stringMatching(/^waiting: It was told to wait (10|9) min; nobody takes it before/),
      expect.stringMatching(/^due: The queue has no job of it: .*; the relay makes it a new one/),
      expect.stringMatching(/^overdue: Its deadline has passed; the relay ends and refunds what is left/),
      expect.stringMatching(/^due: 2 workers died with it; the relay splits it into single leads/),
    ]);
    expect(shown.get(due)).toMatchObject({ requestId, orgId: tenant.orgId, pendingCount: 10, size: 10 });
    const ofState = async ([state, id]: [string, string]): Promise<void> =>
      expect((await batches('--state', state)).map((batch) => batch.id)).toEqual([id]);
    await Promise.all(Object.entries({ queued, leased, waiting, overdue }).map(ofState));
    expect(await batches('--id', batchJobId(queued, 1))).toMatchObject([{ id: queued, requestId }]);
    const table = await runCli(['batches', '--org', tenant.orgId], env);
    expect(table.stdout.split('\n')[0]).toMatch(/^BATCH +REQUEST +ORGANISATION .* WHY$/);
    expect(table.stdout).toContain(`${requestId}  ${tenant.orgId}  emails  10/10    leased`);
  });

  it('the doctor finds nothing wrong with a fresh deployment, and says that the sandbox invents', async () => {
    const { code, ok, wrong, about } = await doctor();
    expect({ code, ok, wrong }).toEqual({ code: 0, ok: true, wrong: [] });
    expect(about('providers file')).toMatchObject([
      { level: 'note', finding: expect.stringContaining('invented') as string },
    ]);
    expect(about('database')[0]?.finding).toMatch(/^PostgreSQL 1\d\.\d+ answers/);
  });

  // The rest does not ask the queue.
  if (backend.name !== 'postgres') return;

  it('lists requests with the counters that their organisation sees', async () => {
    const [first, second] = [await order(5), await order(7)];
    const { json } = await runCli<{ requests: Record<string, unknown>[] }>(
      ['requests', '--org', tenant.orgId, '--json'],
      env,
    );
    expect(json.requests.map(({ id }) => id)).toEqual([second, first]);
    const seen = await api.call<Record<string, unknown>>(
      'GET',
      `/api/v1/operations/enrichment/requests/${first}`,
      { key: tenant.apiKey },
    );
    expect(seen.json).not.toHaveProperty('orgId');
    expect(json.requests[1]).toEqual({ orgId: tenant.orgId, ...seen.json });
    const one = await runCli<{ requests: unknown[] }>(['requests', '--id', first, '--json'], env);
    expect(one.json.requests).toHaveLength(1);
    expect((await runCli(['requests'], env)).stdout).toContain(first);
  });

  it.each([
    ['batches', /no batch .*cli -- batches/],
    ['requests', /no request .*cli -- requests/],
  ])('says where to look when %s knows no such id', async (command, sentence) => {
    const { code, stderr, stdout } = await runCli([command, '--id', newId()], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  it('the doctor says that no worker is running while work is due', async () => {
    await order(10);
    const early = await doctor();
    expect(early.wrong).toEqual([]);
    expect(early.about('workers')[0]?.finding).toMatch(
      /^No worker is running; [1-9]\d* batch(es are| is) open/,
    );
    await execute(api.knex, `UPDATE batches SET next_check_at = clock_timestamp() - interval '31 s'`);
    const { code, about } = await doctor();
    expect(code).toBe(1);
    expect(about('workers')).toMatchObject([
      {
        level: 'wrong',
        finding: expect.stringMatching(/^No worker is running/) as string,
        action: expect.stringContaining('npm run worker') as string,
      },
    ]);
  });

  it('the worker’s health is its own: work that waits counts against an idle worker only, not against a busy one', async () => {
    const WORKER_HEARTBEAT_FILE = path.join(mkdtempSync(path.join(tmpdir(), 'heartbeat-')), 'beat.json');
    const health = () =>
      runCli<{ ok: boolean; fault: string | null }>(['worker-health', '--json'], {
        ...env,
        WORKER_HEARTBEAT_FILE,
      });
    const beat = (atWork: number): void => {
      const job = { atWork, takenMs: Date.now() - 90_000 };
      const jobs = { emails: job, phones: job };
      writeFileSync(WORKER_HEARTBEAT_FILE, JSON.stringify({ turnedMs: Date.now(), concurrency: 1, jobs }));
    };
    expect(await health()).toMatchObject({ code: 1, json: { ok: false } });
    await order(10);
    beat(0);
    expect(await health()).toMatchObject({ code: 0, json: { ok: true, fault: null } });
    await execute(api.knex, `UPDATE batches SET queued_at = clock_timestamp() - interval '61 s'`);
    const starving = await health();
    expect([starving.code, starving.json.fault]).toEqual([
      1,
      expect.stringMatching(/^Batches \(emails\) wait/),
    ]);
    beat(1);
    expect((await health()).code).toBe(0);
  });

  it('the doctor names overdue batches, open breakers and books that do not add up, each with what to do', async () => {
    await order(10);
    await execute(api.knex, `UPDATE batches SET deadline_at = clock_timestamp() - interval '2 min'`);
    await execute(api.knex, 'UPDATE credit_accounts SET balance = balance + 1');
    await execute(
      api.knex,
      `INSERT INTO provider_breakers (account, kind, reason, open_until, opened_at) VALUES
         ('hunter https://api.hunter.io 0a1b2c', 'auth', 'The key was refused (401).', clock_timestamp() + interval '1 h', clock_timestamp()),
         ('prospeo https://api.prospeo.io 0a1b2c', 'rate', 'Too fast.', clock_timestamp() + interval '9 s', clock_timestamp()),
         ('leadmagic https://api.leadmagic.io 0a1b2c', 'down', 'Old.', clock_timestamp() - interval '1 s', clock_timestamp())`,
    );
    const { code, wrong, about } = await doctor();
    expect(code).toBe(1);
    expect(wrong.map(({ check }) => check)).toEqual(['deadlines', 'providers', 'audit', 'audit']);
    expect(about('providers').map(({ level, finding }) => `${level} ${finding}`)).toEqual([
      expect.stringMatching(
        /^wrong hunter at https:\/\/api\.hunter\.io is not asked for 60 min: The key was refused/,
      ),
      expect.stringMatching(/^note prospeo /),
    ]);
    expect(wrong.every(({ action }) => action !== null && action.length > 20)).toBe(true);
  });

  it('the doctor names every fault of settings, providers file and servers', async () => {
    const [settings, providers, database, queue] = await Promise.all([
      doctor({ PORT: 'many', LOG_LEVEL: 'loud' }),
      doctor({ PROVIDERS_FILE: '/nowhere.json' }),
      doctor({ DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/x' }),
      doctor({ REDIS_URL: 'redis://127.0.0.1:1' }),
    ]);
    expect(settings.wrong.map(({ finding }) => finding.split(' ')[0])).toEqual(['PORT', 'LOG_LEVEL']);
    expect(providers.about('providers file')[0]?.finding).toMatch(/cannot be read/);
    expect(database.about('database')).toMatchObject([{ level: 'wrong' }]);
    expect(JSON.stringify(database.findings)).not.toContain('secret');
    expect(queue.wrong).toMatchObject([{ check: 'queue', finding: 'Redis does not answer.' }]);
    expect([settings.code, providers.code, database.code, queue.code]).toEqual([1, 1, 1, 1]);
  });
});

it('the doctor says to migrate an empty database, and leaves it empty', async () => {
  const empty = await createEmptyDatabase();
  try {
    const env = { DATABASE_URL: empty.url, ALLOW_SANDBOX: 'true' };
    const { code, stdout } = await runCli(['doctor'], env);
    expect(code).toBe(1);
    expect(stdout).toMatch(/WRONG {2}migrations .*\n.*npm run migrate/);
    const { rows } = await empty.knex.raw<{ rows: unknown[] }>(
      `SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace`,
    );
    expect(rows).toEqual([]);
  } finally {
    await empty.drop();
  }
});
