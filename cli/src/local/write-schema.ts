/** `npm run schema`: writes `migrations/schema.sql` anew from a migrated, empty database. */
import { migrateUp } from '@leadwell/migrations/migrate';
import { openDatabase } from '@leadwell/shared/db/database';
import { resolveDatabaseUrl } from '@leadwell/shared/runtime/embedded-postgres';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './child-process';
import { createDemoDatabase } from './demo-database';
import { dumpSchema } from './dump-schema';
import { runAndTearDown, type TearDown } from './tear-down';

const FILE = path.join(ROOT, 'migrations', 'schema.sql');

async function main(tearDown: TearDown): Promise<void> {
  const server = await resolveDatabaseUrl({ databaseUrl: undefined });
  tearDown.add('embedded database', () => server.release());
  const database = await createDemoDatabase(server.url);
  tearDown.add('database', () => database.drop());
  const knex = openDatabase({ url: database.url, poolSize: 1, applicationName: 'leadwell-schema' });
  tearDown.add('connection', () => knex.destroy());
  await migrateUp(knex);
  writeFileSync(FILE, await dumpSchema(knex));
  console.log(`Wrote ${FILE}.`);
}

void runAndTearDown(main, () => 1);
