import { query } from '../db/database';
import { createTestDatabase } from './database';
import { queueBackends } from './queue-backends';

describe('the test harness', () => {
  it('gives every test a migrated database of its own', async () => {
    const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    try {
      await one.knex('organisations').insert({ id: '01900000-0000-7000-8000-000000000001', name: 'One' });
      expect(await query(one.knex, 'SELECT name FROM organisations')).toEqual([{ name: 'One' }]);
      expect(await query(two.knex, 'SELECT name FROM organisations')).toEqual([]);
      const tables = await query(two.knex, `SELECT 1 FROM pg_tables WHERE schemaname = 'bullmq'`);
      expect(tables.length).toBeGreaterThan(0);
    } finally {
      await Promise.all([one.drop(), two.drop()]);
    }
  });

  it('offers PostgreSQL first among the queue backends', () => {
    expect(queueBackends()[0]).toEqual({ name: 'postgres', redisUrl: undefined });
  });
});
