import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { openDatabase } from '../db/database';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { describeError } from './logger';

describe('a logged error', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const errorOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  it.each([
    ['a value of the wrong type', `SELECT ?::uuid`, ['jane.doe@example.com']],
    [
      'a violated constraint',
      `INSERT INTO api_keys (id, org_id, user_name) VALUES (gen_random_uuid(), gen_random_uuid(), ?)`,
      ['jane.doe@example.com'],
    ],
    ['a statement that names nothing', `SELECT ? FROM nowhere`, ['jane.doe@example.com']],
  ])('holds no row value: %s', async (_, sql, bindings) => {
    const error = await errorOf(Promise.resolve(database.knex.raw(sql, bindings)));
    const logged = JSON.stringify(describeError(error));
    expect(logged).not.toContain('jane');
    expect(logged).not.toContain('SELECT ');
    expect(logged).not.toContain('INSERT ');
    expect(describeError(error).code).toMatch(/^[0-9A-Z]{5}$/);
  });

  it('holds no password of a database that cannot be reached', async () => {
    const url = 'postgres://leadwell:secret@127.0.0.1:1/x';
    const knex = openDatabase({ url, poolSize: 1, applicationName: 'test' });
    const error = await errorOf(Promise.resolve(knex.raw('SELECT 1')));
    await knex.destroy();
    expect(JSON.stringify(describeError(error))).not.toContain('secret');
  });

  it('keeps type, message, frames and cause of any other', () => {
    const described = describeError(new TypeError('outer', { cause: new Error('inner') }));
    expect(described).toMatchObject({ type: 'TypeError', message: 'outer', cause: { message: 'inner' } });
    expect(described.stack).toMatch(/^at /);
  });
});

it('a warning that repeats is written five times, one with a request’s id and an error every time', () => {
  const logger = path.join(__dirname, '..', '..', 'dist', 'runtime', 'logger');
  const script = `
    const log = require(${JSON.stringify(logger)}).createLogger({ level: 'info', name: 'test' });
    for (let n = 0; n < 8; n++) {
      log.warn({ err: new Error('away') }, 'queue connection');
      log.warn({ err: new Error('away'), requestId: 'r' }, 'a call');
      log.error({ err: new Error('away') }, 'a defect');
      log.warn({ n }, 'breaker opened');
    }`;
  const lines = execFileSync(process.execPath, ['-e', script]).toString().trim().split('\n');
  const count = (text: string): number =>
    lines.filter((line) => (JSON.parse(line) as { msg: string }).msg === text).length;
  expect(['queue connection', 'a call', 'a defect', 'breaker opened'].map(count)).toEqual([5, 8, 8, 8]);
});
