/** Every call in docs/api.md is made, and answers with the status and the shape that are written there. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { seedLeads, seedTenant } from './support/seed';
import { callApi, startTestApi, type TestApi } from './support/test-api';

interface Example {
  command: string;
  status: number;
  answer: string;
}

const read = (...file: string[]): string => readFileSync(path.join(__dirname, '..', ...file), 'utf8');

const examples: Example[] = [...read('docs', 'api.md').matchAll(/```console\n([\s\S]*?)```/g)].flatMap(
  ([, block = '']) =>
    [...block.matchAll(/^\$ (curl .*)\nHTTP (\d+)\n([\s\S]*?)(?=\n\$ |$(?![\s\S]))/gm)].map(
      ([, command = '', status, answer = '']) => ({ command, status: Number(status), answer: answer.trim() }),
    ),
);

/** The words of a command line, as a shell would make them. */
function wordsOf(command: string, variables: Readonly<Record<string, string>>): string[] {
  const expand = (text: string): string =>
    text.replace(/\$(\w+)/g, (_, name: string) => variables[name] ?? '');
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(
      /'([^']*)'|"([^"]*)"|([^'"]+)/g,
      (_, single?: string, double?: string, bare?: string) => single ?? expand(double ?? bare ?? ''),
    ),
  );
}

function readCurl(words: readonly string[]) {
  const headers: Record<string, string> = {};
  const call = { method: 'GET', url: '', text: undefined as string | undefined, headers };
  for (let i = 1; i < words.length; i++) {
    const [word = '', next = ''] = [words[i], words[i + 1]];
    if (word === '-X') call.method = next;
    else if (word === '-d') call.text = next;
    else if (word === '-H')
      headers[next.slice(0, next.indexOf(':')).toLowerCase()] = next.slice(next.indexOf(':') + 1).trim();
    else if (word.startsWith('http')) call.url = word;
    if (/^-[XdH]$/.test(word)) i++;
  }
  return call;
}

/** Names and types, without values; null and an empty list fit everything. */
function shapeOf(value: unknown): unknown {
  if (value === null) return 'any';
  if (Array.isArray(value)) return value.length === 0 ? 'any' : [shapeOf(value[0])];
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(
    // What a transaction counts depends on its type.
    Object.entries(value).map(([key, each]) => [key, key === 'metadata' ? 'any' : shapeOf(each)]),
  );
}

function expectSameShape(given: unknown, written: unknown, at = 'answer'): void {
  if (given === 'any' || written === 'any') return;
  if (typeof given !== 'object' || typeof written !== 'object' || !given || !written) {
    expect({ at, type: given }).toEqual({ at, type: written });
    return;
  }
  expect({ at, keys: Object.keys(given).sort() }).toEqual({ at, keys: Object.keys(written).sort() });
  for (const [key, value] of Object.entries(given))
    expectSameShape(value, (written as Record<string, unknown>)[key], `${at}.${key}`);
}

/** JSON, the first line of NDJSON, or the heading of a CSV. */
function parseAnswer(text: string): unknown {
  for (const part of [text, text.split('\n')[0] ?? '']) {
    try {
      return shapeOf(JSON.parse(part));
    } catch {
      // Not this form.
    }
  }
  return { heading: { [text.split('\n')[0]?.trim() ?? '']: 'any' } };
}

describe('docs/api.md', () => {
  let api: TestApi;
  let variables: Record<string, string>;

  beforeAll(async () => {
    api = await startTestApi();
    const tenant = await seedTenant(api.knex, { credits: 1_000 });
    const [LEAD = '', LEAD2 = '', ...others] = await seedLeads(api.knex, 4);
    variables = { API: `${api.url}/api/v1`, KEY: tenant.apiKey, LEAD, LEAD2 };
    for (const [name, personIds] of Object.entries({ REQUEST: [LEAD], OPEN: others })) {
      const order = await api.call('POST', '/api/v1/operations/enrichment/batch', {
        key: tenant.apiKey,
        body: { personIds, field: 'emails' },
      });
      variables[name] = order.headers.get('location')?.split('/').at(-1) ?? '';
    }
  });
  afterAll(() => api.close());

  it('has an example for every call', () => {
    expect(examples.length).toBeGreaterThanOrEqual(20);
  });

  it('and README name the same columns of results', () => {
    const headingOf = (text: string): string | undefined => /^leadId,.*$/m.exec(text)?.[0];
    expect(headingOf(read('README.md'))).toBe(headingOf(read('docs', 'api.md')));
  });

  it.each(examples)('$command', async ({ command, status, answer }) => {
    const { method, url, text, headers } = readCurl(wordsOf(command, variables));
    const { pathname, search, origin } = new URL(url);
    const given = await callApi(origin, method, pathname + search, {
      ...(text !== undefined && { text }),
      headers,
    });
    expect(given.status).toBe(status);
    expectSameShape(parseAnswer(given.text), parseAnswer(answer));
  });
});
