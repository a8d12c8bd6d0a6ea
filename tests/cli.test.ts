import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { query } from '@leadwell/shared/db/database';
import { parseApiKey } from '@leadwell/shared/domain/api-key';
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
} from '@leadwell/shared/testing/database';
import { waitUntil } from '@leadwell/shared/testing/wait-until';

const MAIN = path.join(__dirname, '..', 'cli', 'dist', 'main.js');
const UNKNOWN_ID = '0198c0de-0000-7000-8000-000000000000';

let database: TestDatabase;
let directory: string;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = mkdtempSync(path.join(tmpdir(), 'leadwell-cli-'));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await database.drop();
});

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(
  args: string[],
  options: { env?: NodeJS.ProcessEnv; stdin?: string } = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: directory,
    env: { PATH: process.env['PATH'], DATABASE_URL: database.url, ...options.env },
  });
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

/** Runs a command that must succeed, with `--json`, and gives the object on the last line. */
async function json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) as string });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}

/** Runs a command that must fail, and gives the one sentence that says what to do. */
async function failure(args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, stdout, stderr } = await run(args, { env });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).not.toMatch(/\n\s+at /);
  return stderr;
}

function file(name: string, content: string): string {
  writeFileSync(path.join(directory, name), content);
  return name;
}

it('creates an organisation with a key that is right, and its opening credits', async () => {
  const { orgId, apiKey } = await json<Record<string, string>>(
    'org',
    'create',
    '--name',
    'Acme',
    '--credits',
    '70',
  );
  const hash = parseApiKey(apiKey ?? '');
  const keys = await query(
    database.knex,
    'SELECT org_id, scopes, expires_at FROM api_keys WHERE key_hash = ?',
    [hash as Buffer],
  );
  expect(keys).toEqual([{ org_id: orgId, scopes: ['read', 'enrich', 'import'], expires_at: null }]);
  expect(await json('credits', 'add', '--org', orgId ?? '', '--amount', '30', '--reason', 'a gift')).toEqual({
    balance: 100,
  });
  const { organisations } = await json<{ organisations: object[] }>('org', 'list');
  expect(organisations.at(-1)).toMatchObject({
    orgId,
    name: 'Acme',
    balance: 100,
    lowCreditsThreshold: null,
  });
  const history = await query(
    database.knex,
    'SELECT amount, source, description FROM credit_transactions WHERE org_id = ? ORDER BY id',
    [orgId ?? ''],
  );
  expect(history).toEqual([
    { amount: 70, source: 'manual', description: 'Opening credits' },
    { amount: 30, source: 'manual', description: 'a gift' },
  ]);
});

it('creates, lists and revokes keys, and never shows a stored key again', async () => {
  const { orgId } = await json<{ orgId: string }>('org', 'create', '--name', 'Beta');
  const options = ['--user', 'ann', '--scopes', 'read,import', '--expires', '2d'];
  const { keyId, apiKey } = await json<{ keyId: string; apiKey: string }>(
    'key',
    'create',
    '--org',
    orgId,
    ...options,
  );
  const { keys } = await json<{ keys: Record<string, unknown>[] }>('key', 'list', '--org', orgId);
  expect(keys).toHaveLength(2);
  expect(keys[1]).toMatchObject({
    keyId,
    orgId,
    userName: 'ann',
    scopes: ['read', 'import'],
    revokedAt: null,
  });
  expect(Date.parse(keys[1]?.['expiresAt'] as string) - Date.now()).toBeGreaterThan(47 * 3600_000);
  expect(JSON.stringify(keys)).not.toContain(apiKey);
  const { revokedAt } = await json<{ revokedAt: string }>('key', 'revoke', keyId);
  expect(await json('key', 'revoke', keyId)).toEqual({ keyId, revokedAt });
});

it('imports leads for one organisation or the directory, and reports bad rows on stderr', async () => {
  const { orgId } = await json<{ orgId: string }>('org', 'create', '--name', 'Gamma');
  const csv = file('leads.csv', 'Email,First Name,Shoe\na@b.co,Ann,42\nnonsense,Bo,43\n');
  const first = await run(['leads', 'import', csv, '--org', orgId, '--json']);
  expect(first.stdout).toBe('{"inserted":1,"updated":0,"unchanged":0,"rejected":1}\n');
  expect(first.stderr).toMatch(/left out: Shoe\nline 3: Email is not an e-mail address/);
  const again = { inserted: 0, updated: 0, unchanged: 1, rejected: 1 };
  expect(await json('leads', 'import', csv, '--org', orgId)).toEqual(again);
  const ndjson = file('leads.ndjson', '{"email":"a@b.co"}\n');
  expect(await json('leads', 'import', ndjson)).toMatchObject({ inserted: 1 });
  const people = await query(database.knex, 'SELECT org_id, first_name FROM people ORDER BY seq');
  expect(people).toEqual([
    { org_id: orgId, first_name: 'Ann' },
    { org_id: null, first_name: null },
  ]);
  const piped = await run(['leads', 'import', '-', '--format', 'csv'], { stdin: 'email\nc@b.co\n' });
  expect(piped.stdout).toBe('1 inserted, 0 updated, 0 unchanged, 0 rejected.\n');
});

it('finishes an import that was killed, without a lead twice', async () => {
  const { orgId } = await json<{ orgId: string }>('org', 'create', '--name', 'Epsilon');
  const rows = Array.from({ length: 2500 }, (_, i) => `p${i}@b.co,P${i}\n`);
  const child = spawn(process.execPath, [MAIN, 'leads', 'import', '-', '--format', 'csv', '--org', orgId], {
    env: { PATH: process.env['PATH'], DATABASE_URL: database.url },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const exited = once(child, 'exit');
  child.stdin.write(`email,first_name\n${rows.join('')}`);
  const countPeople = async (): Promise<number> => {
    const [row] = await query<{ count: number }>(
      database.knex,
      'SELECT count(*) AS count FROM people WHERE org_id = ?',
      [orgId],
    );
    return row?.count ?? 0;
  };
  const started = async (): Promise<boolean> => (await countPeople()) >= 1000;
  await waitUntil(started, { message: 'the first chunk is imported' });
  child.kill('SIGKILL');
  await exited;
  const csv = file('killed.csv', `email,first_name\n${rows.join('')}`);
  const { inserted, unchanged } = await json<Record<string, number>>('leads', 'import', csv, '--org', orgId);
  expect((inserted ?? 0) + (unchanged ?? 0)).toBe(rows.length);
  expect(unchanged).toBeGreaterThanOrEqual(1000);
  expect(await countPeople()).toBe(rows.length);
});

it('lists and deletes leads of an organisation’s own, and nobody else’s', async () => {
  const { orgId } = await json<{ orgId: string }>('org', 'create', '--name', 'Zeta');
  const csv = file('own.csv', 'email,name\nz1@b.co,Ann Li\nz2@b.co,Bo Li\nz3@b.co,Cy Li\n');
  await json('leads', 'import', csv, '--org', orgId);
  const listed = await json<{ leads: { leadId: string; name: string }[]; total: number }>(
    ...['leads', 'list', '--org', orgId, '--limit', '2'],
  );
  expect(listed).toMatchObject({ leads: [{ name: 'Ann Li' }, { name: 'Bo Li' }], total: 3 });
  const [ann = '', bo = ''] = listed.leads.map(({ leadId }) => leadId);
  expect(await failure(['leads', 'delete', '--org', orgId, '--id', `${ann},${UNKNOWN_ID}`])).toMatch(
    new RegExp(`Not deleted: ${UNKNOWN_ID} is no lead`),
  );
  expect(await failure(['leads', 'delete', '--org', orgId])).toMatch(/either --id <ids>, or --all/);
  expect(await json('leads', 'delete', '--org', orgId, '--id', ann, '--id', bo)).toEqual({ deleted: 2 });
  expect(await json('leads', 'delete', '--org', orgId, '--all')).toEqual({ deleted: 1 });
  expect((await run(['leads', 'list', '--org', orgId])).stdout).toBe('There are no leads.\n');
});

it('exits with 1 where the rest of a file could not be read, with what stays imported', async () => {
  const { orgId } = await json<{ orgId: string }>('org', 'create', '--name', 'Eta');
  const cut = file('cut.csv', 'email,name\ny1@b.co,Ann\ny2@b.co,"Bo\ny3@b.co,Cy\n');
  const outcome = await run(['leads', 'import', cut, '--org', orgId, '--json']);
  expect(outcome).toMatchObject({
    code: 1,
    stdout: '{"inserted":1,"updated":0,"unchanged":0,"rejected":1}\n',
    stderr: expect.stringMatching(/line 3: .*nothing from this line on was read/) as string,
  });
});

it('audits, and exits with 1 once something does not add up', async () => {
  const other = await createTestDatabase();
  const env = { DATABASE_URL: other.url };
  try {
    await run(['org', 'create', '--name', 'Delta', '--credits', '5'], { env });
    const clean = await run(['audit', '--json'], { env });
    expect(clean.code).toBe(0);
    expect(JSON.parse(clean.stdout)).toMatchObject({ ok: true, invariants: { length: 6 } });
    await query(other.knex, 'UPDATE credit_accounts SET balance = 6');
    const violated = await run(['audit', '--json'], { env });
    expect(violated.code).toBe(1);
    expect(JSON.parse(violated.stdout)).toMatchObject({
      ok: false,
      invariants: expect.arrayContaining([{ name: 'balance_equals_transactions', violations: 1 }]) as object,
    });
  } finally {
    await other.drop();
  }
});

it('migrates an empty database, also twice, and until then says to do so', async () => {
  const empty = await createEmptyDatabase();
  const env = { DATABASE_URL: empty.url };
  try {
    expect(await failure(['audit'], env)).toMatch(/npm run migrate/);
    const first = await run(['migrate', '--json'], { env });
    expect(JSON.parse(first.stdout)).toEqual({
      applied: expect.arrayContaining(['0001_initial']) as string[],
    });
    const second = await run(['migrate', '--json'], { env });
    expect(JSON.parse(second.stdout)).toEqual({ applied: [] });
    expect((await run(['audit'], { env })).code).toBe(0);
  } finally {
    await empty.drop();
  }
});

it.each([
  [
    'an unknown organisation',
    ['credits', 'add', '--org', UNKNOWN_ID, '--amount', '5'],
    /no organisation .*org create/,
  ],
  ['a key for an unknown organisation', ['key', 'create', '--org', UNKNOWN_ID], /no organisation/],
  ['an unknown key', ['key', 'revoke', UNKNOWN_ID], /no key .*key list/],
  ['a malformed id', ['credits', 'add', '--org', 'acme', '--amount', '5'], /Write an id/],
  [
    'a negative amount',
    ['credits', 'add', '--org', UNKNOWN_ID, '--amount=-5'],
    /whole number of credits from 1/,
  ],
  [
    'a broken amount',
    ['credits', 'add', '--org', UNKNOWN_ID, '--amount', '5e3'],
    /whole number of credits from 1/,
  ],
  ['no amount', ['credits', 'add', '--org', UNKNOWN_ID], /required option '--amount/],
  ['an empty name', ['org', 'create', '--name', ' '], /1 to 200 characters/],
  [
    'an unknown scope',
    ['key', 'create', '--org', UNKNOWN_ID, '--scopes', 'read,admin'],
    /read, enrich, import/,
  ],
  ['a past expiry', ['key', 'create', '--org', UNKNOWN_ID, '--expires', '2020-01-01'], /time to come/],
  ['a missing file', ['leads', 'import', 'nothing.csv'], /no file nothing\.csv/],
  ['a missing file whose format is not told', ['leads', 'import', 'nothing'], /no file nothing; check/],
  ['a directory', ['leads', 'import', '.'], /no file; name/],
  ['a workbook', ['leads', 'import', 'leads.xlsx'], /CSV UTF-8.*--format csv/],
  ['an unknown format', ['leads', 'import', 'leads.dat'], /--format csv or --format ndjson/],
  ['NDJSON given as CSV', ['leads', 'import', 'json.csv'], /--format ndjson/],
  ['CSV given as NDJSON', ['leads', 'import', 'real.csv', '--format', 'ndjson'], /--format csv/],
  ['a list without an organisation', ['leads', 'list'], /required option '--org/],
  ['a limit of nothing', ['leads', 'list', '--org', UNKNOWN_ID, '--limit', '0'], /from 1 to 10000/],
  [
    'an import for an unknown organisation',
    ['leads', 'import', 'real.csv', '--org', UNKNOWN_ID],
    /no organisation/,
  ],
  ['a file without a header', ['leads', 'import', 'plain.csv'], /begin the file with a header/],
  ['an unknown command', ['lead'], /unknown command/],
])('says what to do about %s', async (_what, args, sentence) => {
  file('real.csv', 'email\na@b.co\n');
  file('plain.csv', 'one,two\n');
  file('json.csv', '{"email":"a@b.co"}\n');
  for (const name of ['leads.xlsx', 'leads.dat']) file(name, '');
  expect(await failure(args)).toMatch(sentence);
});

it('says what to do when the database is away, without showing a password', async () => {
  const away = await failure(['audit'], { DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/x' });
  expect(away).toMatch(/cannot be reached.*DATABASE_URL/);
  const wrong = await failure(['audit'], { DATABASE_URL: 'mysql://me:secret@127.0.0.1/x' });
  expect(wrong).toMatch(/DATABASE_URL/);
  expect(away + wrong).not.toContain('secret');
});

it('lists every fault of the configuration', async () => {
  const said = await failure(['audit'], { PORT: 'many', LOG_LEVEL: 'loud' });
  expect(said).toMatch(/PORT/);
  expect(said).toMatch(/LOG_LEVEL/);
});
