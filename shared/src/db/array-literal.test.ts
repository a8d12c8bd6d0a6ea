import { createTestDatabase, type TestDatabase } from '../testing/database';
import { toArrayLiteral } from './array-literal';
import { query } from './database';

describe('a list as a binding', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it.each([
    [['emails', 'phones', null, 'emails'], '{emails,phones,NULL,emails}'],
    [['019aaf0e-2d64-7a3c-9b6c-1f2e3d4c5b6a'], '{019aaf0e-2d64-7a3c-9b6c-1f2e3d4c5b6a}'],
    [[], '{}'],
  ])('of plain texts is written by us: %j', async (list, literal) => {
    expect(toArrayLiteral(list)).toBe(literal);
    expect(await readBack(list)).toEqual(list);
  });

  it.each([
    [['null', 'NULL', 'Null']],
    [['']],
    [['a,b', '{a}', '"', '\\', ' a', 'a\nb', 'é', 'a"}; DROP TABLE people; --']],
  ])('of any other texts by pg: %j', async (list) => {
    expect(toArrayLiteral(list)).toBe(list);
    expect(await readBack(list)).toEqual(list);
  });

  it.each([
    [[1, 2]],
    [[true]],
    [[new Date(0)]],
    [[Buffer.of(1)]],
    [[['a'], ['b']]],
    ['a'],
    [null],
    [{ a: ['b'] }],
  ])('of other things, and what is no list, is left alone: %j', (value) =>
    expect(toArrayLiteral(value)).toBe(value),
  );

  async function readBack(list: readonly (string | null)[]): Promise<unknown> {
    const [named] = await query<{ list: unknown }>(database.knex, 'SELECT :list::text[] AS list', { list });
    const [placed] = await query<{ list: unknown }>(database.knex, 'SELECT CAST(? AS text[]) AS list', [
      list,
    ]);
    expect(placed).toEqual(named);
    return named?.list;
  }
});
