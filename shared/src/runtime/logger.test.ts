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
