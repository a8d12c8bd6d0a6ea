/** A start with a bad PROVIDERS_FILE, as a stranger sees it: the real processes, before any server is asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const directory = mkdtempSync(path.join(tmpdir(), 'bad-configuration-'));

async function start(process_: 'api' | 'worker', env: NodeJS.ProcessEnv) {
  const main = path.join(__dirname, '..', process_, 'dist', 'main.js');
  // A database that nobody can reach: the start must end before it matters.
  const settings = { PATH: process.env['PATH'], DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', ...env };
  const child = spawn(process.execPath, [main], { env: settings, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { code, stdout, faults: stderr.trimEnd().split('\n') };
}

function writeFile(settings: object): string {
  const file = path.join(directory, 'providers.json');
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

it.each(['api', 'worker'] as const)(
  'stops the %s with every fault listed, those of other settings too',
  async (name) => {
    const file = writeFile({
      providers: {
        huntr: {},
        hunter: {
          keyEnv: 'MY_KEY',
          limits: [
            { calls: 0, perSeconds: 1 },
            { calls: 5, records: 2, perSeconds: 9 },
          ],
        },
      },
      waterfall: { emails: [], phones: ['leadmagic', 'hunter', 'nobody'] },
    });
    const env = { PROVIDERS_FILE: file, MY_KEY: 'secret key', BATCH_SIZE: 'many' };
    const { code, stdout, faults } = await start(name, env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [heading, ...rest] = faults;
    expect(heading).toBe('The configuration is not valid:');
    expect(rest.map((line) => line.replace(`${file}: `, ''))).toEqual([
      expect.stringContaining('  - BATCH_SIZE must be') as string,
      '  - "providers.hunter.limits[0].calls" must be greater than or equal to 1',
      '  - "providers.hunter.limits[1]" counts either "calls" or "records"; write two limits for both',
      expect.stringContaining('  - "providers.huntr" is no known provider; known are ') as string,
      '  - "waterfall.emails" names nobody; name at least one provider that serves emails',
      '  - "waterfall.phones[1]": hunter does not serve phones',
      expect.stringContaining('  - "waterfall.phones[2]" is no known provider; known are ') as string,
      '  - leadmagic needs its key in the variable LEADMAGIC_API_KEY, which is not set.',
      '  - hunter needs its key in the variable MY_KEY, which holds white space or other characters that no key has.',
    ]);
    expect(faults.join('\n')).not.toContain('secret');
  },
);

it('stops the worker where nobody can be asked', async () => {
  const { code, faults } = await start('worker', {});
  expect(code).toBe(1);
  expect(faults).toEqual([
    'The configuration is not valid:',
    expect.stringContaining('PROVIDERS_FILE is not set') as string,
  ]);
});
