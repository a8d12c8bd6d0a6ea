import { openDatabase, query, type Knex } from '@leadwell/shared/db/database';
import { randomBytes } from 'node:crypto';

export interface DemoDatabase {
  url: string;
  drop(): Promise<void>;
}

/** An empty database of the demo's own beside the given one, so that every run shows the same. */
export async function createDemoDatabase(serverUrl: string): Promise<DemoDatabase> {
  const name = `demo_${randomBytes(6).toString('hex')}`;
  await withAdmin(serverUrl, async (admin) => {
    await dropForgotten(admin);
    await query(admin, `CREATE DATABASE ${name}`);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const drop = (): Promise<void> =>
    withAdmin(serverUrl, async (admin) => {
      await query(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    });
  return { url: url.href, drop };
}

/** Databases of demos that were killed. One that somebody is connected to belongs to a demo that still runs. */
async function dropForgotten(admin: Knex): Promise<void> {
  const forgotten = await query<{ name: string }>(
    admin,
    `SELECT datname AS name FROM pg_database d WHERE datname ~ '^demo_[0-9a-f]{12}$'
        AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)`,
  );
  for (const { name } of forgotten) {
    // A demo that is just starting may connect in between: the server then refuses, rightly.
    await query(admin, `DROP DATABASE IF EXISTS ${name}`).catch(() => undefined);
  }
}

async function withAdmin(url: string, work: (admin: Knex) => Promise<void>): Promise<void> {
  const admin = openDatabase({ url, poolSize: 1, applicationName: 'leadwell-demo' });
  try {
    await work(admin);
  } finally {
    await admin.destroy();
  }
}
