import { spawnSync } from 'node:child_process';
import path from 'node:path';

it('knows where each of the mistakes is to be made that the tests must notice', () => {
  const script = path.join(__dirname, '..', 'scripts', 'mutations.mjs');
  const { status, stdout } = spawnSync(process.execPath, [script, '--places'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});
