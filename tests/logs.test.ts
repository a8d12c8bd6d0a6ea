/** What real processes write holds nothing of a person and no secret, at the most talkative level. */
import { query } from '@leadwell/shared/db/database';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment, type Process } from './support/deployment';
import { readQueue } from './support/queue-contents';
import { seedLeads, seedTenant } from './support/seed';
import type { ErrorBody } from './support/test-api';

interface LogLine {
  level: string;
  msg: string;
  requestId?: string;
  batchId?: string;
  path?: string;
}

const linesOf = (output: string): string[] => output.split('\n').filter((line) => line !== '');
const SECRET_FREE = /[\w.+-]+@[\w-]+\.\w+|\+\d{8,}|Bearer |\blw_/;

describe.each(queueBackends())('the logs, with the queue on $name', (backend) => {
  let deployment: Deployment;
  const processes: Process[] = [];
  const errorBodies: string[] = [];
  let queueContents = '';
  let apiKey = '';

  /** Orders and searches, good and bad, and a worker killed in the middle; the providers answer without faults. */
  beforeAll(async () => {
    deployment = await deploy({
      backend,
      startsApi: false,
      environment: { LOG_LEVEL: 'trace', BATCH_SIZE: '20', CHECK_SECONDS: '0.5' },
    });
    const { knex } = deployment.database;
    const api = await deployment.startApi();
    const [victim, worker] = await Promise.all([
      deployment.startWorker({ LEASE_SECONDS: '3' }),
      deployment.startWorker(),
    ]);
    processes.push(api, victim, worker);
    const tenant = await seedTenant(knex, { credits: 100_000 });
    apiKey = tenant.apiKey;
    const client = new Client(deployment.apiUrl, apiKey);
    const leads = await seedLeads(knex, 200);
    await client.enrich(leads, 'phones');
    await client.enrich(leads, 'emails');
    queueContents = await readQueue(deployment);
    await victim.kill();
    const fail = async (...call: Parameters<Client['call']>): Promise<void> =>
      void errorBodies.push(await (await client.call(...call)).text());
    await fail('GET', '/operations/credits/history?startDate=ada.byron@engine.example');
    await client.call('POST', '/entities/prospects/person', { contact: { fullName: { any: 'Ada' } } });
    await fail('POST', '/operations/enrichment/bulk', {
      selection: 'Ada Byron',
      field: '+491701234567',
    });
    await fail('GET', `/entities/prospects/person/${leads[0]}?name=Ada`);
    const ended = async (): Promise<boolean> => {
      const [row] = await query<{ count: number }>(
        knex,
        `SELECT count(*) FROM enrichments WHERE status = 'pending'`,
      );
      return row?.count === 0;
    };
    await waitUntil(ended, { message: 'everything to be enriched' });
    queueContents += await readQueue(deployment);
    await Promise.all([api.stop(), worker.stop()]);
  });
  afterAll(() => deployment.stop());

  const output = (): string => processes.map((one) => one.output()).join('\n');
  const lines = (): LogLine[] => linesOf(output()).map((line) => JSON.parse(line) as LogLine);

  it('are one JSON object a line, with a level and a message', () => {
    expect(lines().length).toBeGreaterThan(30);
    for (const line of lines()) {
      expect(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).toContain(line.level);
      expect(line.msg).toMatch(/\w/);
    }
  });

  it('name the request of every call, and batch and request of every batch', () => {
    const calls = lines().filter(({ msg }) => msg === 'call');
    expect(calls).toHaveLength(6);
    expect(calls.every(({ requestId, path }) => requestId && path && !path.includes('?'))).toBe(true);
    const batches = lines().filter(({ msg }) => /^batch /.test(msg));
    expect(batches.length).toBeGreaterThan(20);
    expect(batches.every(({ batchId, requestId }) => batchId && requestId)).toBe(true);
  });

  it('hold no address, number, name or key that the database or the environment holds, nor do the queue and refusals', async () => {
    const found = await query<{ text: string }>(
      deployment.database.knex,
      `SELECT value AS text FROM lead_values
       UNION SELECT last_name FROM people UNION SELECT full_name FROM people
       UNION SELECT company_domain FROM people UNION SELECT linkedin_url FROM people
       UNION SELECT candidate ->> 'value' FROM lookups, jsonb_array_elements(candidates) AS candidate`,
    );
    expect(found.length).toBeGreaterThan(900);
    const password = new URL(deployment.database.url).password;
    const secrets = [apiKey, `:${password}@`, 'sandbox-hunter', 'sandbox-prospeo', 'sandbox-leadmagic'];
    expect(queueContents).toMatch(/b-[0-9a-f-]{36}-g1/);
    expect(errorBodies.map((body) => (JSON.parse(body) as ErrorBody).error.code)).toEqual([
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
    ]);
    for (const text of [output(), queueContents, errorBodies.join('\n')]) {
      expect([...found.map((row) => row.text), ...secrets].filter((one) => text.includes(one))).toEqual([]);
      expect(linesOf(text).filter((line) => SECRET_FREE.test(line))).toEqual([]);
      expect(text).not.toMatch(/Ada|491701234567/);
    }
  });

  it('warn of nothing in a run where only a worker died', () => {
    const loud = lines().filter(({ level }) => ['error', 'fatal'].includes(level));
    expect(loud).toEqual([]);
  });
});
