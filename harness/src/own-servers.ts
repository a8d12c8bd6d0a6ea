/** Servers of one test's own, which it may kill: the run's servers serve every other test too. */
import { migrateUp } from '@leadwell/migrations/migrate';
import { openDatabase } from '@leadwell/shared/db/database';
import { migrateQueueSchema } from '@leadwell/shared/queue/postgres-queue-schema';
import type { TestDatabase } from '@leadwell/shared/testing/database';
import { startPostgres, type TestServer } from '@leadwell/shared/testing/postgres';

export interface OwnPostgres {
  server: TestServer;
  database: TestDatabase;
}

/** A migrated database on a PostgreSQL server of its own. `database.drop()` ends the server. */
export async function startOwnPostgres(settings: Record<string, string | number> = {}): Promise<OwnPostgres> {
  const server = await startPostgres(settings);
  const knex = openDatabase({ url: server.url, poolSize: 10, applicationName: 'test' });
  await migrateUp(knex);
  await migrateQueueSchema(server.url);
  const drop = async (): Promise<void> => {
    await knex.destroy();
    await server.stop();
  };
  return { server, database: { url: server.url, knex, drop } };
}
