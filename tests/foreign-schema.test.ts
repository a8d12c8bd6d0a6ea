/** Every program on a database that another state of the code made, as an operator sees it: what the matter is, and what to do. */
import { query } from '@leadwell/shared/db/database';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { guardProcess } from '@leadwell/shared/testing/guard';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

let database: TestDatabase;
let directory: string;
beforeEach(async () => {
  database = await createTestDatabase();
  directory = mkdtempSync(path.join(tmpdir(), 'foreign-schema-'));
});
afterEach(async () => {
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

async function run(script: string, ...args: string[]): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [path.join(__dirname, '..', script), ...args], {
    cwd: directory,
    env: { PATH: process.env['PATH'], DATABASE_URL: database.url, PORT: '0', ALLOW_SANDBOX: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardProcess(child);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { code, said: stdout + stderr };
}

const addMigration = (name: string): Promise<unknown> =>
  query(database.knex, `INSERT INTO schema_migrations (name, batch, migration_time) VALUES (?, 2, now())`, [
    name,
  ]);

const PROGRAMS = [
  ['migrate', 'cli/dist/main.js', 'migrate'],
  ['cli', 'cli/dist/main.js', 'audit'],
  ['doctor', 'cli/dist/main.js', 'doctor'],
  ['npm start', 'cli/dist/start.js'],
  ['api', 'api/dist/main.js'],
  ['worker', 'worker/dist/main.js'],
] as const;

it('refuses the database of an earlier, unreleased state, and says how to go on', async () => {
  await addMigration('0002_suppressions');
  // What a checkout of before had: the same table, in one piece.
  await query(database.knex, 'DROP TABLE enrichments');
  await query(database.knex, 'CREATE TABLE enrichments (id uuid PRIMARY KEY)');
  for (const [name, script, ...args] of PROGRAMS) {
    const { code, said } = await run(script, ...args);
    expect({ name, code }).toEqual({ name, code: 1 });
    expect(said).toMatch(
      /earlier, unreleased state of Leadwell.*delete it.*\.data.*npm run migrate.*\/results/s,
    );
    expect(said).not.toMatch(/corrupt|defect|\n +at /);
  }
});

it('migrates no database that a newer version made, and says which one to run', async () => {
  await addMigration('0002_of_the_next_release');
  for (const [name, script, ...args] of PROGRAMS.slice(0, 2)) {
    const { code, said } = await run(script, ...args);
    expect({ name, code }).toEqual({ name, code: 1 });
    expect(said).toMatch(/newer than this program.*0002_of_the_next_release.*Run the version that made it/);
  }
});
