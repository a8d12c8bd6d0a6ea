/** The ETag of a poll stands for id, status and updated_at of its rows: whoever changes anything else that is shown must set updated_at. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '..');
const ROOMS = ['api/src', 'shared/src', 'worker/src', 'cli/src'];

/** Updates of nothing that a poll shows: of a row that is superseded it shows the next one. */
const UNSEEN = [/SET superseded_at = :at\s+WHERE/, /SET batch_id = s\.batch_id\s+FROM/];

function listUpdates(): string[] {
  return ROOMS.flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .flatMap((file) => {
        const text = readFileSync(path.join(ROOT, room, file), 'utf8');
        return [...text.matchAll(/UPDATE enrichments\b[^`]*/g)].map(([statement]) => statement);
      }),
  );
}

it('sets updated_at wherever it changes what a poll shows of an enrichment', () => {
  const updates = listUpdates();
  expect(updates.length).toBeGreaterThanOrEqual(4);
  const seen = updates.filter((statement) => !UNSEEN.some((pattern) => pattern.test(statement)));
  expect(seen.filter((statement) => !/updated_at = clock_timestamp\(\)/.test(statement))).toEqual([]);
});
