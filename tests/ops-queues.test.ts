import path from 'node:path';
import { newId } from '@leadwell/shared/domain/ids';
import { batchJobId } from '@leadwell/shared/queue/batch-queues';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { callApi, startTestApi, type ErrorBody, type TestApi } from './support/test-api';

const PASSWORD = 'correct horse: battery';

const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const operator = basic('ops', PASSWORD);

/** Every route that bull-board knows, of its own table: a new version that adds one adds a case here. */
function boardRoutes(): { method: string; route: string }[] {
  const directory = path.dirname(require.resolve('@bull-board/api'));
  const { appRoutes } = jest.requireActual<{
    appRoutes: { api: { method: string | string[]; route: string | string[] }[] };
  }>(path.join(directory, 'routes.js'));
  return appRoutes.api.flatMap(({ method, route }) =>
    [method].flat().flatMap((one) => [route].flat().map((each) => ({ method: one, route: each }))),
  );
}

describe.each(queueBackends())('/ops/queues with the queue on $name', (backend) => {
  let api: TestApi;
  const batchId = newId();
  const jobId = batchJobId(batchId, 3);

  beforeAll(async () => {
    api = await startTestApi({
      OPS_PASSWORD: PASSWORD,
      QUEUE_PREFIX: `t${newId().slice(-10)}`,
      ...(backend.redisUrl && { REDIS_URL: backend.redisUrl }),
    });
    await api.queues.add('emails', [{ batchId, generation: 3, priority: 1 }]);
  });
  afterAll(() => api.close());

  it('shows the waiting jobs by the id of their batch, and nothing else of them', async () => {
    const page = await api.call('GET', '/ops/queues/', { headers: operator });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('x-powered-by')).toBeNull();
    const { json } = await api.call<{ queues: { name: string; readOnlyMode: boolean; jobs: object[] }[] }>(
      'GET',
      '/ops/queues/api/queues?activeQueue=enrich-emails&status=prioritized&page=1&jobsPerPage=10',
      { headers: operator },
    );
    const [queue] = json.queues.filter(({ name }) => name === 'enrich-emails');
    expect(queue).toMatchObject({ readOnlyMode: true, jobs: [{ id: jobId, data: { batchId } }] });
  });

  it('shows one job by its id', async () => {
    const job = await api.call<{ job: { id: string; data: object } }>(
      'GET',
      `/ops/queues/api/queues/enrich-emails/${jobId}`,
      { headers: operator },
    );
    expect([job.status, job.json.job.id, job.json.job.data]).toEqual([200, jobId, { batchId }]);
  });

  it('serves every file that the page names, under a policy that allows them and no other host', async () => {
    const page = await api.call('GET', '/ops/queues/', { headers: operator });
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src 'none';script-src 'self';/);
    expect(policy).not.toMatch(/https|upgrade/);
    const files = [...page.text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map((match) => match[1]);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      expect((await api.call('GET', `/ops/queues/${file}`, { headers: operator })).status).toBe(200);
    }
    // An inline script would be refused by the policy, and the page would stay empty.
    expect(page.text).not.toMatch(/<script(?![^>]*(?:src=|type="application\/json"))/);
  });

  it.each(boardRoutes().filter(({ method }) => method !== 'get'))(
    'refuses $method $route, and changes nothing',
    async ({ method, route }) => {
      const target = route
        .replace(':queueName', 'enrich-emails')
        .replace(':jobId', jobId)
        .replace(':queueStatus', 'prioritized')
        .replace(':schedulerId', 'any');
      const answer = await api.call<ErrorBody>(method.toUpperCase(), `/ops/queues${target}`, {
        headers: operator,
        body: {},
      });
      expect([answer.status, answer.json.error.code]).toEqual([403, 'FORBIDDEN']);
      expect(await api.queues.getState('emails', jobId)).toBe('prioritized');
      expect(await api.queues.queues[0]?.isPaused()).toBe(false);
    },
  );

  it('cannot be changed by a GET that claims another method', async () => {
    await api.call('GET', '/ops/queues/api/queues/pause', {
      headers: { ...operator, 'x-http-method-override': 'PUT' },
    });
    await api.call('HEAD', '/ops/queues/api/queues/enrich-emails/empty', { headers: operator });
    expect(await api.queues.queues[0]?.isPaused()).toBe(false);
    expect(await api.queues.getState('emails', jobId)).toBe('prioritized');
  });

  it.each([
    ['nothing', {}],
    ['another password', basic('ops', 'correct horse')],
    ['another user', basic('root', PASSWORD)],
    ['no colon', { authorization: `Basic ${Buffer.from('ops').toString('base64')}` }],
    ['an empty pair', basic('', '')],
    ['a bearer token', { authorization: `Bearer ${PASSWORD}` }],
  ])('refuses %s, asking for basic authentication, also for the page’s files', async (_, headers) => {
    const targets = ['/ops/queues', '/ops/queues/api/queues', '/ops/queues/static/favicon-32x32.png'];
    const refuse = async (target: string): Promise<void> => {
      const answer = await api.call<ErrorBody>('GET', target, { headers: headers });
      expect([answer.status, answer.json.error.code]).toEqual([401, 'UNAUTHORIZED']);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
    };
    await Promise.all(targets.map(refuse));
  });
});

it('does not exist where OPS_PASSWORD is unset, also for who sends one', async () => {
  const api = await startTestApi();
  try {
    for (const target of ['/ops/queues', '/ops/queues/', '/ops/queues/api/queues']) {
      const answer = await callApi<ErrorBody>(api.url, 'GET', target, { headers: operator });
      expect([answer.status, answer.json.error.code]).toEqual([404, 'NOT_FOUND']);
    }
  } finally {
    await api.close();
  }
});
