import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from '@leadwell/cli/local/child-process';
import { copyLeads } from '../floors/copy-floor';
import type { Group } from '../group';
import { writeLeadFile } from '../load/lead-file';
import { atLeast } from '../measure';
import { timeMs } from '../rounds';
import type { BenchDatabase } from '../servers/bench-database';

export const importGroup: Group = {
  name: 'import',
  purpose:
    'importing leads by CSV with the command line, against COPY of the finished rows into the same indexed tables',
  async run(context) {
    const leads = context.sized({ full: 1_000_000, small: 2_000 });
    const directory = mkdtempSync(path.join(tmpdir(), 'leadwell-bench-import-'));
    context.onEnd('lead file', () => Promise.resolve(rmSync(directory, { recursive: true })));
    const file = path.join(directory, 'leads.csv');
    await writeLeadFile(file, leads);
    const [database, copied] = [await context.createDatabase(), await context.createDatabase()];
    context.say(`importing ${leads} leads`);
    const importMs = await timeMs(() => importFile(database, file));
    await assertImported(database, leads);
    context.say('copying');
    const copyMs = await copyLeads(database, copied);
    const rate = (ms: number): number => leads / (ms / 1000);
    const all = Object.values(copyMs).reduce((sum, ms) => sum + ms, 0);
    const people = copyMs.people + copyMs.people_search;
    const note = (ms: number): string =>
      `${rate(importMs).toFixed(0)} to ${rate(ms).toFixed(0)} leads/s; one round`;
    return [
      atLeast(
        { name: `import: ${leads} leads, to COPY into all that it fills`, unit: '×', note: note(all) },
        all / importMs,
        0.5,
      ),
      atLeast(
        {
          name: `import: ${leads} leads, to COPY into people and people_search alone`,
          unit: '×',
          note: note(people),
        },
        people / importMs,
        0.5,
      ),
    ];
  },
};

/** As a user imports it: a process of its own, its start and the ANALYZE at its end with it. */
async function importFile(database: BenchDatabase, file: string): Promise<void> {
  const main = path.join(ROOT, 'cli', 'dist', 'main.js');
  const env = { ...process.env, DATABASE_URL: database.url };
  const run = spawn(process.execPath, [main, 'leads', 'import', file], { env, stdio: 'ignore' });
  await once(run, 'exit');
}

async function assertImported(database: BenchDatabase, leads: number): Promise<void> {
  const client = await database.connect();
  const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM people');
  await client.end();
  if (rows[0]?.count !== leads) throw new Error(`${rows[0]?.count} of ${leads} leads were imported.`);
}
