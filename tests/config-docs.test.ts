import { configTable, envExample, withConfigTable } from '@leadwell/cli/local/config-docs';
import { loadConfig } from '@leadwell/shared/config/config';
import { SETTINGS } from '@leadwell/shared/config/settings';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '..');

describe('the documents of the configuration', () => {
  it('.env.example matches the code; `npm run docs:config` writes it anew', () => {
    expect(readFileSync(path.join(ROOT, '.env.example'), 'utf8')).toBe(envExample());
  });

  it('.env.example, uncommented, is a valid configuration: the defaults', () => {
    const lines = envExample().matchAll(/^# ([A-Z_]+)=(.*)$/gm);
    const env: Record<string, string> = {};
    for (const [, name = '', value = ''] of lines) env[name] = value;
    expect(Object.keys(env)).toHaveLength(Object.keys(SETTINGS).length);
    expect(loadConfig(env)).toEqual(loadConfig({}));
  });

  it('README’s table matches the code; `npm run docs:config` writes it anew', () => {
    const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
    expect(readme).toBe(withConfigTable(readme));
    expect(readme).toContain(configTable());
  });
});
