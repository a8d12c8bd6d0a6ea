import { connect } from 'node:net';
import { query } from '@leadwell/shared/db/database';
import { seedTenant } from './support/seed';
import { startTestApi, type Answer, type ErrorBody, type TestApi } from './support/test-api';

const ENRICHMENT = '/api/v1/operations/enrichment';
const ID = '0193c0de-0000-7000-8000-000000000000';

describe('validation', () => {
  let api: TestApi;
  let key: string;

  beforeAll(async () => {
    api = await startTestApi();
    key = (await seedTenant(api.knex, { credits: 100 })).apiKey;
  });
  afterAll(async () => {
    expect(await query(api.knex, 'SELECT id FROM requests')).toEqual([]);
    await api.close();
  });

  function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    return api.call<ErrorBody>('POST', ENRICHMENT + path, { key, body, headers });
  }

  /** Bytes as they are, on a connection of their own; what came until it was closed. */
  function sendRaw(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => socket.write(bytes));
      let received = '';
      socket.on('data', (data) => (received += data.toString()));
      socket.on('end', () => resolve(received)).on('error', reject);
    });
  }

  function pathsOf(answer: Answer<ErrorBody>): unknown[] {
    expect([answer.status, answer.json.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    return answer.json.error.details.map((detail) => detail.path);
  }

  it('names every fault of body, query and headers in one answer', async () => {
    const answer = await post(
      '/bulk?dryRun=perhaps&also=1',
      {
        selection: {
          mode: 'bulk',
          startIndex: -1,
          targetCount: '5',
          includedIds: [ID],
          excludedIds: ['x', ID, 7],
          sort: 'asc',
        },
        field: 'fax',
        maxCredits: 1.5,
        priority: 'urgent',
        retryNotFound: 'yes',
        orgId: ID,
      },
      { 'idempotency-key': 'k'.repeat(256) },
    );
    expect(pathsOf(answer).sort()).toEqual(
      [
        'selection.startIndex',
        'selection.targetCount',
        'selection.includedIds',
        'selection.excludedIds[0]',
        'selection.excludedIds[2]',
        'selection.sort',
        'selection.filters',
        'field',
        'maxCredits',
        'priority',
        'retryNotFound',
        'orgId',
        'dryRun',
        'also',
        'Idempotency-Key',
      ].sort(),
    );
  });

  it.each([
    ['no body', undefined, ['body']],
    ['a list', [], ['body']],
    ['an empty object', {}, ['selection', 'field']],
    ['a selection without mode', { selection: {}, field: 'emails' }, ['selection.mode']],
    [
      'an empty list of ids',
      { selection: { mode: 'manual', includedIds: [] }, field: 'emails' },
      ['selection.includedIds'],
    ],
    [
      'an id in braces',
      { selection: { mode: 'manual', includedIds: [`{${ID}}`] }, field: 'emails' },
      ['selection.includedIds[0]'],
    ],
    [
      'an id without dashes',
      { selection: { mode: 'manual', includedIds: [ID.replaceAll('-', '')] }, field: 'emails' },
      ['selection.includedIds[0]'],
    ],
    [
      'a target count of 1001',
      { selection: { mode: 'bulk', startIndex: 0, targetCount: 1001, filters: {} }, field: 'emails' },
      ['selection.targetCount'],
    ],
    [
      'a start index beyond a million',
      { selection: { mode: 'bulk', startIndex: 1_000_001, targetCount: 1, filters: {} }, field: 'emails' },
      ['selection.startIndex'],
    ],
    [
      'filters that are no object',
      { selection: { mode: 'bulk', startIndex: 0, targetCount: 1, filters: [] }, field: 'emails' },
      ['selection.filters'],
    ],
    [
      'a start index behind a filter that enrichment changes',
      {
        selection: { mode: 'bulk', startIndex: 1, targetCount: 1, filters: { contact: { hasPhone: false } } },
        field: 'emails',
      },
      ['selection.startIndex'],
    ],
  ])('names the fault of %s', async (_name, body, paths) => {
    expect(pathsOf(await post('/bulk', body))).toEqual(paths);
  });

  it('checks the length of a list before its items', async () => {
    const many = Array.from({ length: 25_000 }, (_, at) => `bad-${at}`);
    const bulk = { selection: { mode: 'manual', includedIds: many }, field: 'emails' };
    expect(pathsOf(await post('/bulk', bulk))).toEqual(['selection.includedIds']);
    expect(pathsOf(await post('/batch', { personIds: many, field: 'emails' }))).toEqual(['personIds']);
    const without = { mode: 'bulk', startIndex: 0, targetCount: 1, filters: {}, excludedIds: many };
    expect(pathsOf(await post('/bulk', { selection: without, field: 'emails' }))).toEqual([
      'selection.excludedIds',
    ]);
    const tasks = Array.from({ length: 10_000 }, () => ({ entityId: 1 }));
    expect(pathsOf(await post('/batch/query', { tasks }))).toEqual(['tasks']);
  });

  it('lists a hundred faults and counts the rest', async () => {
    const includedIds = Array.from({ length: 1_000 }, (_, at) => `bad-${at}`);
    const answer = await post('/bulk', { selection: { mode: 'manual', includedIds }, field: 'emails' });
    const { details } = answer.json.error;
    expect(details).toHaveLength(101);
    expect(details[99]).toEqual({ path: 'selection.includedIds[99]', message: 'must be a UUID' });
    expect(details[100]?.message).toBe('and 900 more faults');
  });

  it.each([
    ['NUL', '{"selection":{"mode":"bulk\\u0000"},"field":"emails"}'],
    ['a lone surrogate', '{"selection":{"mode":"\\ud800"},"field":"emails"}'],
    ['a NUL in a name', '{"sel\\u0000":1}'],
    ['__proto__', `{"__proto__":{"selection":{"mode":"manual","includedIds":["${ID}"]},"field":"emails"}}`],
    ['constructor.prototype', '{"constructor":{"prototype":{"field":"emails"}}}'],
    ['deep lists', '['.repeat(400_000) + ']'.repeat(400_000)],
    ['deep objects', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
    ['many empty lists', `{"selection":[${'[],'.repeat(300_000)}[]]}`],
    ['many strings', `{"selection":[${'"",'.repeat(300_000)}""]}`],
    ['many names', `{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":1`).join(',')}}`],
    ['a number beyond all', '{"maxCredits":1e999}'],
    ['cut JSON', '{"selection":'],
    ['a bare string', '"selection"'],
    ['nothing but spaces', '   '],
    ['a byte order mark twice', '\ufeff\ufeff{}'],
  ])('refuses %s without breaking or standing still', async (_name, text) => {
    let worstLagMs = 0;
    let last = readClocks();
    const probe = setInterval(() => {
      const now = readClocks();
      worstLagMs = Math.max(worstLagMs, Math.min(now.wallMs - last.wallMs - 5, now.cpuMs - last.cpuMs));
      last = now;
    }, 5);
    const answer = await api.call<ErrorBody>('POST', `${ENRICHMENT}/bulk`, { key, text });
    clearInterval(probe);
    expect([answer.status, answer.json.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(answer.json.error.details.length).toBeGreaterThan(0);
    expect(worstLagMs).toBeLessThan(200);
  });

  it('refuses bodies over 1 MB, of another type, charset or encoding', async () => {
    const send = (text: string, headers: Record<string, string>) =>
      api.call<ErrorBody>('POST', `${ENRICHMENT}/bulk`, { key, text, headers });
    const large = await send(`"${'x'.repeat(10_000_000)}"`, {});
    expect([large.status, large.json.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'application/json; charset=utf-7' },
      { 'content-encoding': 'rot13' },
    ]) {
      const answer = await send('{}', headers);
      expect([answer.status, answer.json.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    }
  });

  it('tells malformed ids from unknown ones on every path', async () => {
    const status = async (method: string, path: string) => (await api.call(method, path, { key })).status;
    for (const id of ['x', `${ID}0`, '%00', encodeURIComponent("' OR 1=1"), `{${ID}}`]) {
      expect(await status('GET', `${ENRICHMENT}/${id}?field=emails`)).toBe(400);
      expect(await status('POST', `${ENRICHMENT}/${id}?field=emails`)).toBe(400);
      expect(await status('GET', `${ENRICHMENT}/requests/${id}`)).toBe(400);
    }
    expect(await status('GET', `${ENRICHMENT}/%zz?field=emails`)).toBe(400);
    expect(await status('GET', `${ENRICHMENT}/${ID}`)).toBe(400);
    expect(await status('GET', `${ENRICHMENT}/${ID}?field=emails&field=phones`)).toBe(400);
  });

  it('answers unknown paths, and those of later rounds, in the envelope', async () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/metrics'],
      ['GET', '/ops/queues'],
      ['POST', `${ENRICHMENT}/requests`],
      ['POST', `${ENRICHMENT}/requests/${ID}/cancel`],
      ['DELETE', `${ENRICHMENT}/${ID}`],
      ['GET', '/api/v1/operations'],
    ] as const) {
      const answer = await api.call<ErrorBody>(method, path, { key, headers: { 'x-request-id': 'mine-1' } });
      expect([answer.status, answer.json.error.code]).toEqual([404, 'NOT_FOUND']);
      expect(answer.json.error.requestId).toBe('mine-1');
      expect(answer.headers.get('x-request-id')).toBe('mine-1');
    }
  });

  it('gives every response a request id, and keeps a caller’s own only if it is short and visible', async () => {
    const idOf = async (own?: string) => {
      const answer = await api.call(
        'GET',
        '/health/live',
        own === undefined ? {} : { headers: { 'x-request-id': own } },
      );
      return answer.headers.get('x-request-id');
    };
    expect(await idOf('a'.repeat(128))).toBe('a'.repeat(128));
    for (const own of [undefined, 'a'.repeat(129), 'two words', 'é']) {
      expect(await idOf(own)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('answers what is no HTTP in the envelope too', async () => {
    const answer = await sendRaw('NONSENSE\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toMatch(/"code":"VALIDATION_ERROR".*"requestId":"[0-9a-f-]{36}"/);
  });

  it('refuses headers of more than 16 KB unread, in the envelope', async () => {
    const answer = await sendRaw(`GET /health/live HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toMatch(/"code":"VALIDATION_ERROR".*"requestId":"[0-9a-f-]{36}"/);
  });

  it.each([
    ['no host', ''],
    ['two hosts', 'Host: a\r\nHost: b\r\n'],
  ])('refuses a call with %s, which a proxy may understand otherwise', async (_name, hosts) => {
    const answer = await sendRaw(`GET /health/live HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"path":"Host"');
  });

  it.each([
    ['Authorization', 'Bearer a'],
    ['Content-Type', 'application/json'],
    ['Idempotency-Key', 'a'],
  ])('refuses a call with two %s headers', async (name, value) => {
    const twice = `${name}: ${value}\r\n${name}: ${value}b\r\n`;
    const answer = await sendRaw(`GET /health/live HTTP/1.1\r\nHost: x\r\n${twice}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(`"path":"${name}"`);
  });

  it('serves whoever expects what it does not know', async () => {
    const answer = await sendRaw(
      'GET /health/live HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/\r\nX-Request-Id: [0-9a-f-]{36}\r\n/i);
  });

  it.each([
    ['both lengths', 'Content-Length: 6\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 50'],
    ['a length with a sign', 'Content-Length: +5'],
    ['another encoding', 'Transfer-Encoding: xchunked'],
    ['an encoding behind chunked', 'Transfer-Encoding: chunked, identity'],
    ['a space before the colon', 'Transfer-Encoding : chunked'],
    ['a folded header', 'Transfer-Encoding:\r\n chunked'],
    ['a bare line feed', 'X: y\nTransfer-Encoding: chunked'],
  ])('answers what hides a second call behind %s once, and closes', async (_name, headers) => {
    const hidden = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';
    const answer = await sendRaw(
      `POST ${ENRICHMENT}/batch HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n0\r\n\r\n${hidden}`,
    );
    expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 400']);
  });

  it('says in history which dates and numbers it does not take', async () => {
    const answer = await api.call<ErrorBody>(
      'GET',
      '/api/v1/operations/credits/history?startDate=yesterday&endDate=2026-13-01&limit=0&offset=-1&page=2',
      { key },
    );
    expect(pathsOf(answer).sort()).toEqual(['endDate', 'limit', 'offset', 'page', 'startDate']);
    const days = 'startDate=2026-02-30&endDate=2026-06-31T00:00:00Z';
    const rolled = await api.call<ErrorBody>('GET', `/api/v1/operations/credits/history?${days}`, { key });
    expect(pathsOf(rolled).sort()).toEqual(['endDate', 'startDate']);
  });
});

/** A process that works stands still; one that a busy machine lets wait does not, and uses no time of the processor. */
function readClocks(): { wallMs: number; cpuMs: number } {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
}
