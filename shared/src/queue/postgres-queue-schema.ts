import { runMigrations } from 'bullmq';
import { Client } from 'pg';

/** Where BullMQ keeps its tables when the queue is on PostgreSQL. Nothing of ours lies in it. */
export const QUEUE_SCHEMA = 'bullmq';

/**
 * Brings BullMQ's own schema to the version of the pinned package; part of `npm run migrate`. Idempotent, atomic, and
 * safe from several processes at once (BullMQ holds an advisory lock). Done also where the queue is on Redis, so that
 * REDIS_URL can be unset later without a migration. Source: bullmq 6.7.0, src/postgres/migrator.ts
 */
export async function migrateQueueSchema(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'leadwell-migrate' });
  // Without a listener an ended connection would end the process; the statement under way reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await runMigrations(client, QUEUE_SCHEMA);
  } finally {
    await client.end();
  }
}
