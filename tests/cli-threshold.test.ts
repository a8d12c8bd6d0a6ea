import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase } from '@leadwell/shared/testing/database';
import { seedTenant } from './support/seed';

const MAIN = path.resolve(__dirname, '..', 'cli', 'dist', 'main.js');

it('org threshold sets and takes away when an organisation is low on credits', async () => {
  const database = await createTestDatabase();
  try {
    const { orgId } = await seedTenant(database.knex, { credits: 30 });
    const run = async (credits: string): Promise<unknown> => {
      const args = [MAIN, 'org', 'threshold', '--org', orgId, '--credits', credits, '--json'];
      const env = { PATH: process.env['PATH'], DATABASE_URL: database.url };
      const { stdout } = await promisify(execFile)(process.execPath, args, { env });
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    };
    expect(await run('31')).toEqual({ lowCreditsThreshold: 31, balance: 30, low: true });
    expect(await run('30')).toEqual({ lowCreditsThreshold: 30, balance: 30, low: false });
    expect(await run('0')).toEqual({ lowCreditsThreshold: null, balance: 30, low: false });
    await expect(run('-1')).rejects.toThrow();
  } finally {
    await database.drop();
  }
});
