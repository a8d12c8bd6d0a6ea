/** Clients that try to get more than they pay for, by doing everything at once: two real API processes, a worker, both queue backends' promise. */
import { query } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import { deploy, type Deployment } from './support/deployment';
import { seedLeads, seedTenant, type Tenant } from './support/seed';

const ENRICHMENT = '/operations/enrichment';
const ROUNDS = 2;
const CREDITS = 100;

interface Answer {
  status: number;
  charged: number;
  isReplay: boolean;
  request: string | undefined;
}

describe('racing orders, repeats, cancels and retries over two API processes', () => {
  let deployment: Deployment;
  let tenant: Tenant;
  let clients: Client[];
  let leads: string[];

  beforeAll(async () => {
    deployment = await deploy({ backend: queueBackends()[0]!, environment: { BATCH_SIZE: '4' } });
    const other = await deployment.startApi({ PORT: '0' });
    await deployment.startWorker();
    const { knex } = deployment.database;
    tenant = await seedTenant(knex, { credits: CREDITS });
    const port = /"port":(\d+)/.exec(other.output())?.[1];
    clients = [deployment.apiUrl, `http://127.0.0.1:${port}`].map((url) => new Client(url, tenant.apiKey));
    leads = await seedLeads(knex, 60);
  });
  afterAll(() => deployment.stop());

  const call = async (at: number, path: string, body?: unknown, key?: string): Promise<Answer> => {
    const headers = key === undefined ? {} : { 'idempotency-key': key };
    const response = await clients[at % clients.length]!.call('POST', `${ENRICHMENT}${path}`, body, headers);
    await response.arrayBuffer();
    return {
      status: response.status,
      charged: Number(response.headers.get('x-credits-charged') ?? 0),
      isReplay: response.headers.has('idempotency-replayed'),
      request: response.headers.get('location')?.split('/').at(-1),
    };
  };
  const manual = (from: number, count: number, field = 'emails') => ({
    selection: { mode: 'manual', includedIds: leads.slice(from, from + count) },
    field,
  });

  it('never sells twice, never gives back twice, and never spends what is not there', async () => {
    const answers: Answer[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const first = await call(round, '/bulk', manual(round * 20, 10), `first-${round}`);
      const { request = '' } = first;
      const attacks = Array.from({ length: 12 }, (_, at) => [
        call(at, '/bulk', manual(round * 20, 10), `first-${round}`),
        call(at, '/bulk', manual(round * 20 + at, 10), `other-${round}-${at % 3}`),
        call(at, '/batch', {
          personIds: leads.slice(round * 20 + (at % 5), round * 20 + 15),
          field: 'emails',
        }),
        call(at, `/requests/${request}/cancel`),
        call(at, `/requests/${request}/retry`, {}, at % 2 === 0 ? `retry-${round}` : undefined),
      ]);
      answers.push(first, ...(await Promise.all(attacks.flat())));
    }
    expect([...new Set(answers.map(({ status }) => status))].filter((status) => status >= 500)).toEqual([]);
    expect(answers.some(({ status }) => status === 402)).toBe(true);

    const { knex } = deployment.database;
    const count = async (sql: string): Promise<number> =>
      (await query<{ n: number }>(knex, sql, { orgId: tenant.orgId }))[0]!.n;
    await waitUntil(
      async () => (await count(`SELECT count(*) AS n FROM enrichments WHERE status = 'pending'`)) === 0,
      { message: 'no enrichment pending' },
    );
    const found = await count('SELECT count(*) AS n FROM enrichments WHERE org_id = :orgId AND data_found');
    const paid = await count(
      'SELECT count(*) AS n FROM enrichments WHERE org_id = :orgId AND data_found AND price > 0',
    );
    expect(await clients[0]!.balance()).toBe(CREDITS - 5 * paid);
    // One value a lead was ever sold, however many rounds it had.
    expect(found).toBe(
      await count(
        'SELECT count(DISTINCT entity_id) AS n FROM enrichments WHERE org_id = :orgId AND data_found',
      ),
    );
    const told = answers.filter(({ isReplay }) => !isReplay).reduce((sum, { charged }) => sum + charged, 0);
    expect(told).toBe(
      await count(
        `SELECT coalesce(sum(amount), 0) AS n FROM credit_transactions WHERE org_id = :orgId AND type = 'credit_consumed'`,
      ),
    );
    expect(await audit(knex)).toMatchObject({ ok: true });
  });
});
