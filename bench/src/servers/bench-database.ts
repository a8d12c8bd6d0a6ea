import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { Client } from 'pg';

export interface BenchDatabase extends TestDatabase {
  /** Runs statements that build a load, however long they take, then ANALYZE: no measurement runs on plans made blind. */
  load(statements: readonly { sql: string; values?: unknown[] }[]): Promise<void>;
  /** A connection of its own, for floors; ended with the database. */
  connect(): Promise<Client>;
}

/** A migrated and empty database on the run's server. */
export async function createBenchDatabase(): Promise<BenchDatabase> {
  const database = await createTestDatabase();
  const clients: Client[] = [];
  const connect = async (): Promise<Client> => {
    // As the service's own sessions (readsByIndex): a floor that reads a part whole, planned while it was empty, would be none.
    const client = new Client({
      connectionString: database.url,
      options: '-c enable_seqscan=off -c jit=off',
    });
    // The server ends it when the database is dropped under a measurement that failed.
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  return {
    ...database,
    connect,
    async load(statements) {
      const client = await connect();
      for (const { sql, values } of statements) await client.query(sql, values);
      await client.query('ANALYZE');
      await client.end();
    },
    async drop() {
      await Promise.allSettled(clients.map((client) => client.end()));
      await database.drop();
    },
  };
}
