import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withFileLock } from './file-lock';

it('is had at once where its holder died and this process has been given the same id', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'leadwell-lock-'));
  const file = path.join(directory, 'x.lock');
  writeFileSync(file, `${process.pid} 1`);
  // However long ago the holder wrote it: its age decides nothing.
  utimesSync(file, new Date(), new Date(Date.now() + 3_600_000));
  expect(await withFileLock(file, () => Promise.resolve(existsSync(file)))).toBe(true);
  expect(existsSync(file)).toBe(false);
  rmSync(directory, { recursive: true });
});
