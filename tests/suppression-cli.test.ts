import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { query } from '@leadwell/shared/db/database';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { runCli } from './support/run-cli';
import { seedLeads, seedTenant } from './support/seed';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe('suppressions', () => {
  it('are imported, listed without their values, and removed by value', async () => {
    const { orgId } = await seedTenant(database.knex);
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'suppressions-')), 'list.csv');
    writeFileSync(
      file,
      'E-Mail\r\nann@acme.com\r\n"acme.com"\r\n+49 30 5550101\r\nlinkedin.com/in/ann\r\n12\r\nANN@acme.com\r\n',
    );
    const run = (...words: string[]) => runCli(words, { DATABASE_URL: database.url });
    const imported = await run('suppressions', 'import', file, '--org', orgId, '--json');
    expect(JSON.parse(imported.stdout)).toEqual({ added: 4, unchanged: 1, rejected: 1 });
    expect(imported.stderr).toContain('line 6:');
    const removed = await run('suppressions', 'remove', '--org', orgId, '--phone', '0049305550101');
    expect(removed.stdout).toContain('Removed');
    const listed = await run('suppressions', 'list', '--org', orgId, '--json');
    expect(listed.stdout).not.toMatch(/ann|acme/);
    const { suppressions } = JSON.parse(listed.stdout) as { suppressions: { kind: string }[] };
    expect(suppressions.map(({ kind }) => kind).sort()).toEqual(['domain', 'email', 'linkedin']);
  });
});

describe('leads erase', () => {
  it('shows whom it would erase, erases them, and names nobody', async () => {
    const [leadId = '', kept = ''] = await seedLeads(database.knex, 2);
    const run = (...words: string[]) =>
      runCli(['leads', 'erase', '--id', leadId, ...words], { DATABASE_URL: database.url });
    const dry = await run('--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toEqual({ leads: [{ leadId, orgId: null }] });
    const erased = await run();
    expect(erased.stdout + erased.stderr).toMatch(/1 leads, 0 values/);
    expect(erased.stdout + erased.stderr).not.toMatch(/Ada|Byron|engine-/);
    expect(await query(database.knex, 'SELECT id FROM people')).toEqual([{ id: kept }]);
  });
});
