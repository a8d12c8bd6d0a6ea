import { migrateUp } from '@leadwell/migrations/migrate';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { openDatabase, type Knex } from '../db/database';
import { migrateQueueSchema } from '../queue/postgres-queue-schema';

const TEMPLATE = 'leadwell_template';

export interface TestDatabase {
  url: string;
  knex: Knex;
  /** Ends the pool and drops the database, also under connections that are still open. */
  drop(): Promise<void>;
}

/**
 * A database of the test's own on the run's one server: migrated (BullMQ's schema too) and empty, copied from a
 * template that the first caller of the run makes. Takes about 50 ms.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdmin(async (admin) => {
    await ensureTemplate(admin);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  });
  const url = urlOf(name);
  const knex = openDatabase({ url, poolSize: 20, applicationName: 'test' });
  return { url, knex, drop: () => dropDatabase(name, knex) };
}

/** An empty database of the test's own, without any table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdmin((admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE template0`));
  const url = urlOf(name);
  const knex = openDatabase({ url, poolSize: 20, applicationName: 'test' });
  return { url, knex, drop: () => dropDatabase(name, knex) };
}

async function dropDatabase(name: string, knex: Knex): Promise<void> {
  await knex.destroy();
  await asAdmin((admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
}

async function ensureTemplate(admin: Client): Promise<void> {
  // Test files run in parallel processes: one makes the template, the others wait for it here.
  await admin.query('SELECT pg_advisory_lock(4242)');
  try {
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (rowCount) return;
    const building = `${TEMPLATE}_${randomBytes(4).toString('hex')}`;
    await admin.query(`CREATE DATABASE ${building} TEMPLATE template0`);
    await migrate(urlOf(building));
    // Renamed last: a template that was left half-made is never found.
    await admin.query(`ALTER DATABASE ${building} RENAME TO ${TEMPLATE}`);
  } finally {
    await admin.query('SELECT pg_advisory_unlock(4242)');
  }
}

async function migrate(url: string): Promise<void> {
  const knex = openDatabase({ url, poolSize: 2, applicationName: 'test-template' });
  try {
    await migrateUp(knex);
  } finally {
    await knex.destroy();
  }
  await migrateQueueSchema(url);
}

async function asAdmin<T>(work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: serverUrl() });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.href;
}

function serverUrl(): string {
  const url = process.env['TEST_POSTGRES_URL'];
  if (!url)
    throw new Error('The test server is missing: run the tests through jest, whose global setup starts it.');
  return url;
}
