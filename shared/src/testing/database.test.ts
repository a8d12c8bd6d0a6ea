import { Client } from 'pg';
import { query } from '../db/database';
import { createTestDatabase } from './database';
import { startPostgres } from './postgres';
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

  it('has a PostgreSQL that a kill makes forget nothing that it committed', async () => {
    const server = await startPostgres();
    const connected = async (): Promise<Client> => {
      const client = new Client({ connectionString: server.url });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    };
    try {
      const before = await connected();
      await before.query('CREATE TABLE kept (id integer)');
      for (let id = 0; id < 20; id++) await before.query('INSERT INTO kept VALUES ($1)', [id]);
      await server.kill();
      await server.restart();
      const after = await connected();
      expect((await after.query('SELECT count(*)::int AS kept FROM kept')).rows).toEqual([{ kept: 20 }]);
      await after.end();
    } finally {
      await server.stop();
    }
  });

  it('offers PostgreSQL first among the queue backends', () => {
    expect(queueBackends()[0]).toEqual({ name: 'postgres', redisUrl: undefined });
  });
});
