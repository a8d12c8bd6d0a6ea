import { execute, query } from '../db/database';
import { newId, SHARED_SCOPE } from '../domain/ids';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { claimLookups, storeAnswers, type LookupAnswer } from './asks';

describe('the answer to a question', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const claim = async (): Promise<string> => {
    const key = { provider: 'hunter', baseUrl: 'http://x', scope: SHARED_SCOPE, missesBeforeText: null };
    const inputHash = Buffer.from(newId().replaceAll('-', '').padEnd(64, '0'), 'hex');
    const [lookup] = await claimLookups(database.knex, 'emails', [{ ...key, inputHash }], 8);
    return lookup!.id;
  };
  const answer = (lookupId: string, state: LookupAnswer['state'], freshSeconds = 1_000): LookupAnswer => ({
    ...{
      lookupId,
      state,
      freshSeconds,
      ask: 1,
      error: null,
      durationMs: 1,
      costCredits: null,
      statedCredits: null,
    },
    candidates:
      state === 'hit'
        ? [
            {
              kind: 'email',
              value: 'a@b.example',
              verdict: 'deliverable',
              confidence: null,
              lineType: null,
              flags: [],
            },
          ]
        : null,
  });
  const store = (...answers: LookupAnswer[]) => storeAnswers(database.knex, answers);
  const stateOf = async (id: string): Promise<string | undefined> => {
    const rows = await query<{ state: string }>(database.knex, 'SELECT state FROM lookups WHERE id = ?', [
      id,
    ]);
    return rows[0]?.state;
  };

  it.each(['miss', 'failed'] as const)('that comes late outdoes a %s where it is a hit', async (state) => {
    const id = await claim();
    await store(answer(id, state));
    await store(answer(id, 'hit'));
    expect(await stateOf(id)).toBe('hit');
  });

  it('is never data once the provider may not speak of the person, even where its suppression was lifted', async () => {
    const id = await claim();
    await store(answer(id, 'restricted'));
    await execute(database.knex, 'DELETE FROM suppressions');
    await store(answer(id, 'hit'));
    expect(await stateOf(id)).toBe('restricted');
  });

  it('is data again once a restriction has expired and nobody is suppressed', async () => {
    const id = await claim();
    await store(answer(id, 'restricted', 0));
    await execute(database.knex, 'DELETE FROM suppressions');
    await store(answer(id, 'hit'));
    expect(await stateOf(id)).toBe('hit');
  });

  it.each(['miss', 'restricted', 'failed'] as const)('stays a hit when a late one says %s', async (state) => {
    const id = await claim();
    await store(answer(id, 'hit'));
    await store(answer(id, state));
    expect(await stateOf(id)).toBe('hit');
  });
});
