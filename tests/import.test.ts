import { query } from '@leadwell/shared/db/database';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { once } from 'node:events';
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { seedTenant, type Tenant } from './support/seed';
import { startTestApi, type ErrorBody, type TestApi } from './support/test-api';

const IMPORT = '/api/v1/entities/leads/import';
const PEOPLE = '/api/v1/entities/prospects/person';

interface ImportBody {
  inserted: number;
  updated: number;
  unchanged: number;
  rejected: number;
  rejections: { line: number; column: string | null; message: string }[];
  ignoredColumns: string[];
}

type Kept = Pick<ImportBody, 'inserted' | 'updated' | 'unchanged' | 'rejected'>;

describe('importing leads over HTTP', () => {
  let api: TestApi;
  let tenant: Tenant;

  beforeEach(async () => {
    api = await startTestApi({ DATABASE_POOL_SIZE: '6' });
    tenant = await seedTenant(api.knex);
  });
  afterEach(() => api.close());

  function send<T = ImportBody>(text: string, type = 'text/csv', key = tenant.apiKey, more: object = {}) {
    return api.call<T>('POST', IMPORT, { key, text, headers: { 'content-type': type, ...more } });
  }
  const person = (n: number) =>
    JSON.stringify({
      fullName: `Ada Number${n}`,
      email: `ada${n}@engine.example`,
      company: { name: 'Engine' },
    });
  const ndjson = (count: number) => Array.from({ length: count }, (_, n) => `${person(n)}\n`).join('');
  const countPeople = async (orgId = tenant.orgId): Promise<number> => {
    const [row] = await query<{ n: number }>(api.knex, 'SELECT count(*) AS n FROM people WHERE org_id = ?', [
      orgId,
    ]);
    return row!.n;
  };

  /** A call whose body is still being sent. */
  function open(key: string, headers: Record<string, string> = {}): ClientRequest {
    const call = request(api.url + IMPORT, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson', ...headers },
    });
    call.on('error', () => undefined);
    return call;
  }
  async function answerTo<T>(call: ClientRequest): Promise<{ status: number | undefined; json: T }> {
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, json: JSON.parse(text) as T };
  }

  it('takes CSV, keeps the good rows and tells each bad one with its line and column', async () => {
    const csv = [
      'First name,Last name,E-mail,Favourite colour',
      'Ada,Byron,ada@engine.example,green',
      'Bob,Babbage,not an address,red',
      'Cy,Clement,cy@engine.example,',
    ].join('\r\n');
    const answer = await send(csv, 'text/csv; charset=UTF-8; header=present');
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      inserted: 2,
      updated: 0,
      unchanged: 0,
      rejected: 1,
      rejections: [{ line: 3, column: 'E-mail', message: expect.any(String) as string }],
      ignoredColumns: ['Favourite colour'],
    });
    expect((await send(csv)).json).toMatchObject({ inserted: 0, unchanged: 2, rejected: 1 });
  });

  it('streams NDJSON of any length, and shows the leads to their organisation alone', async () => {
    const other = await seedTenant(api.knex);
    const answer = await send(ndjson(12_000), 'application/x-ndjson');
    expect(answer.json).toMatchObject({ inserted: 12_000, rejected: 0, rejections: [] });
    const found = async (key: string) =>
      (await api.call<{ totalElements: number }>('POST', PEOPLE, { key, body: { size: 1 } })).json
        .totalElements;
    expect(await found(tenant.apiKey)).toBe(12_000);
    expect(await found(other.apiKey)).toBe(0);
  });

  it('counts every rejected row, and tells the first hundred', async () => {
    const answer = await send(`${person(1)}\n${'nothing\n'.repeat(250)}`, 'application/x-ndjson');
    expect(answer.json).toMatchObject({ inserted: 1, rejected: 250 });
    expect(answer.json.rejections.map(({ line }) => line)).toEqual(
      Array.from({ length: 100 }, (_, at) => at + 2),
    );
  });

  const swapped = (text: string) => Buffer.from(text, 'utf16le').swap16();
  it.each([
    ['utf-16', (text: string) => Buffer.from(text, 'utf16le')],
    ['utf-16', (text: string) => swapped(`\ufeff${text}`)],
    ['UTF-16LE', (text: string) => Buffer.from(text, 'utf16le')],
    ['"utf-16be"', swapped],
    ['Windows-1252', (text: string) => Buffer.from(text, 'latin1')],
    ['iso-8859-1', (text: string) => Buffer.from(text, 'latin1')],
    ['utf-8', (text: string) => Buffer.from(text)],
  ])('reads a file in %s as it is declared', async (charset, encode) => {
    const answer = await fetch(api.url + IMPORT, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': `text/csv; charset=${charset}` },
      // In UTF-8 the last bytes of the name would be one character.
      body: encode('Email,Full name\r\nzoe@engine.example,ZoÃ« Ärger\r\n'),
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { inserted: 1, rejected: 0 }]);
    const people = await query(api.knex, 'SELECT full_name AS name FROM people WHERE org_id = ?', [
      tenant.orgId,
    ]);
    expect(people).toEqual([{ name: 'ZoÃ« Ärger' }]);
  });

  it('names the other format as a caller of HTTP names it', async () => {
    const json = await send<ErrorBody>(`${person(1)}\n`, 'text/csv');
    expect([json.status, json.json.error.message]).toEqual([
      400,
      'The file holds JSON, not CSV; import it as NDJSON (Content-Type: application/x-ndjson).',
    ]);
    const csv = await send<ErrorBody>('Email\nada@engine.example', 'application/x-ndjson');
    expect([csv.status, csv.json.error.message]).toEqual([
      400,
      'The file does not begin with a JSON object; if it is CSV, import it as such (Content-Type: text/csv).',
    ]);
  });

  it('refuses what is no CSV or NDJSON in a charset that it reads, and names what it takes', async () => {
    for (const [type, more] of [
      ['application/json', {}],
      ['text/csv; charset=shift_jis', {}],
      ['text/csv', { 'content-encoding': 'gzip' }],
    ] as const) {
      const answer = await send<ErrorBody>('First name\nAda', type, tenant.apiKey, more);
      expect([answer.status, answer.json.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
      expect(answer.json.error.details).toEqual([
        {
          accepted: ['text/csv', 'application/x-ndjson'],
          charsets: ['utf-8', 'us-ascii', 'utf-16', 'utf-16le', 'utf-16be', 'windows-1252', 'iso-8859-1'],
        },
      ]);
    }
    const empty = await api.call<ErrorBody>('POST', IMPORT, { key: tenant.apiKey });
    expect(empty.status).toBe(415);
    const headless = await send<ErrorBody>('some,file\n1,2');
    expect([headless.status, headless.json.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(await countPeople()).toBe(0);
  });

  it('needs the scope to import, and knows no parameters', async () => {
    const reader = await seedTenant(api.knex, { scopes: ['read', 'enrich'] });
    expect((await send('x', 'text/csv', reader.apiKey)).status).toBe(403);
    const answer = await api.call('POST', `${IMPORT}?org=${reader.orgId}`, {
      key: tenant.apiKey,
      text: 'First name\nAda',
      headers: { 'content-type': 'text/csv' },
    });
    expect(answer.status).toBe(400);
  });

  it('refuses a file over 1 GB before any of it is sent', async () => {
    const call = open(tenant.apiKey, { 'content-length': '1000000001' });
    call.flushHeaders();
    const answer = await answerTo<ErrorBody>(call);
    expect([answer.status, answer.json.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    call.destroy();
  });

  it('keeps what a client sent before it went away, and is free for its next try', async () => {
    const call = open(tenant.apiKey);
    call.write(ndjson(3_500));
    await waitUntil(async () => (await countPeople()) >= 1_000, { message: 'chunks to be imported' });
    call.destroy();
    const again = await waitUntil(async () => {
      const answer = await send(ndjson(4_000), 'application/x-ndjson');
      return answer.status === 200 && answer.json;
    });
    expect(again.unchanged).toBeGreaterThanOrEqual(1_000);
    expect(again.inserted + again.unchanged).toBe(4_000);
    expect(await countPeople()).toBe(4_000);
  });

  it('lets an organisation import one file at a time, and a process a few, and says when to come again', async () => {
    const [second, third] = await Promise.all([seedTenant(api.knex), seedTenant(api.knex)]);
    const calls = [tenant, second].map(({ apiKey }) => open(apiKey));
    for (const call of calls) call.write(ndjson(1_200));
    await waitUntil(async () => (await countPeople()) + (await countPeople(second.orgId)) >= 2_000);

    const same = await send<ErrorBody>(person(1), 'application/x-ndjson');
    expect([same.status, same.json.error.code]).toEqual([409, 'CONFLICT']);
    const full = await send<ErrorBody>(person(1), 'application/x-ndjson', third.apiKey);
    expect([full.status, full.json.error.code]).toEqual([429, 'RATE_LIMITED']);
    expect([same, full].map(({ headers }) => Number(headers.get('retry-after')))).toEqual([5, 10]);
    // Other calls are served meanwhile.
    expect((await api.call('GET', '/api/v1/operations/credits/balance', { key: third.apiKey })).status).toBe(
      200,
    );

    const answers = await Promise.all(
      calls.map((call) => {
        call.end();
        return answerTo<ImportBody>(call);
      }),
    );
    expect(answers.map(({ status, json }) => [status, json.inserted])).toEqual([
      [200, 1_200],
      [200, 1_200],
    ]);
    expect((await send(person(1), 'application/x-ndjson', third.apiKey)).status).toBe(200);
  });

  it('answers the next call on a connection whose import was refused at its first line', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { hostname, port } = new URL(api.url);
    const call = async (method: string, path: string, body?: string): Promise<number | undefined> => {
      const headers = {
        authorization: `Bearer ${tenant.apiKey}`,
        ...(body && { 'content-type': 'text/csv' }),
      };
      const sent = request({ agent, hostname, port, method, path, headers });
      sent.end(body);
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'close');
      return answer.statusCode;
    };
    // More than the pipes between the two hold: the rest is still to be read when the answer is there.
    expect(await call('POST', IMPORT, `nonsense\n${'x\n'.repeat(1_000_000)}`)).toBe(400);
    expect(await call('GET', '/health/live')).toBe(200);
    agent.destroy();
  });

  it('keeps the chunks before a failure, and takes the file again', async () => {
    await api.knex.raw(`ALTER TABLE people ADD CONSTRAINT broken CHECK (full_name <> 'Ada Number1500')`);
    const answer = await send<ErrorBody>(ndjson(3_000), 'application/x-ndjson');
    expect([answer.status, answer.json.error.code]).toEqual([500, 'INTERNAL_ERROR']);
    expect(await countPeople()).toBe(1_000);
    await api.knex.raw('ALTER TABLE people DROP CONSTRAINT broken');
    const again = await send<Kept>(ndjson(3_000), 'application/x-ndjson');
    expect(again.json).toMatchObject({ inserted: 2_000, unchanged: 1_000 });
  });
});
