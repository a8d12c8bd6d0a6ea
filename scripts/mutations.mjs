/**
 * Shows that the tests catch the six mistakes that would break the promise: each is made in a copy of the sources, and the
 * tests named with it must fail there. Run by `npm run mutations`; `-- --only NAME` makes one, `--tests FILE` asks that file
 * instead, `--places` only looks whether each mistake's place is still there. Exit code 1 where a mistake went unnoticed, or
 * where its place in the code is gone.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const COPIED = ['shared', 'migrations', 'providers', 'api', 'worker', 'sandbox', 'cli', 'tests', 'harness'];

/** Each edit replaces one text that stands exactly once in its file; `tests` are the files of which at least one must fail. */
const MUTATIONS = [
  {
    name: 'no-relay',
    mistake: 'nobody turns due batches into jobs, nor sweeps',
    edits: [
      [
        'shared/src/relay/relay.ts',
        'publish: (orgId) => publish(options, orgId)',
        'publish: async () => undefined',
      ],
    ],
    tests: ['shared/src/relay/relay.test.ts'],
  },
  {
    name: 'no-fence-no-status-guard',
    mistake: 'a late worker may settle, and rows that ended end again',
    edits: [
      [
        'shared/src/settle/settle.ts',
        'SELECT b.id, b.fence FROM batches b',
        'SELECT b.id, l.fence FROM batches b',
      ],
      ['shared/src/settle/settle.ts', 'WHERE b.fence = l.fence AND b.completed_at IS NULL', 'WHERE true'],
      [
        'shared/src/settle/end-enrichments.ts',
        "WHERE e.org_id = w.org_id AND e.id = w.id AND e.status = 'pending'",
        'WHERE e.org_id = w.org_id AND e.id = w.id',
      ],
    ],
    tests: ['shared/src/settle/settle.test.ts'],
  },
  {
    name: 'select-then-update-debit',
    mistake: 'the debit writes a balance that it read before',
    edits: [
      ['shared/src/ledger/lock-account.ts', 'WHERE org_id = ? FOR NO KEY UPDATE', 'WHERE org_id = ?'],
      [
        'shared/src/ledger/debit.ts',
        `UPDATE credit_accounts SET balance = balance - :amount
    WHERE org_id = :orgId AND balance >= :amount
    RETURNING balance,`,
        `UPDATE credit_accounts SET balance = was.balance - :amount
      FROM (SELECT balance FROM credit_accounts WHERE org_id = :orgId) was
    WHERE org_id = :orgId AND was.balance >= :amount
    RETURNING credit_accounts.balance,`,
      ],
    ],
    tests: ['tests/credits.test.ts'],
  },
  {
    name: 'job-id-without-generation',
    mistake: 'a new job of a batch has the id of the old one, and is dropped where that still stands',
    edits: [
      [
        'shared/src/queue/batch-queues.ts',
        'return `b-${batchId}-g${generation}`',
        'return `b-${batchId}-g1`',
      ],
    ],
    tests: ['shared/src/relay/relay.test.ts'],
  },
  {
    name: 'refund-from-a-job-event',
    mistake: 'the settle leaves the refund to the event of a job, which may never come',
    edits: [
      [
        'shared/src/settle/end-enrichments.ts',
        'refund_transaction_id = CASE WHEN NOT w.found AND e.price > 0 THEN w.refund_id END',
        'refund_transaction_id = CASE WHEN false THEN w.refund_id END',
      ],
      [
        'shared/src/settle/end-enrichments.ts',
        `rowsOf.flatMap(([request, rows]) =>
      refundOf(`,
        `[].flatMap(([request, rows]) =>
      refundOf(`,
      ],
    ],
    tests: ['shared/src/settle/settle.test.ts'],
  },
  {
    name: 'money-lock-after-the-rows',
    mistake: 'the settle locks rows first and the credit account after them',
    edits: [
      [
        'shared/src/settle/settle.ts',
        `    await lockCreditAccount(trx, orgId);
    return settleLocked(trx, settlements);
`,
        `    const results = await settleLocked(trx, settlements);
    await lockCreditAccount(trx, orgId);
    return results;
`,
      ],
    ],
    tests: ['shared/src/settle/settle.test.ts'],
  },
];

process.exitCode = main(process.argv.slice(2));

function main(args) {
  const options = { only: { type: 'string' }, tests: { type: 'string' }, places: { type: 'boolean' } };
  const { only, tests, places } = parseArgs({ args, options }).values;
  const chosen = MUTATIONS.filter(({ name }) => only === undefined || name === only).map((mutation) =>
    tests === undefined ? mutation : { ...mutation, tests: [tests] },
  );
  if (chosen.length === 0) {
    say(`There is no mutation "${only}". There are: ${MUTATIONS.map(({ name }) => name).join(', ')}.`);
    return 1;
  }
  if (places) return lookForPlaces(chosen);
  const unnoticed = chosen.filter((mutation) => !isCaught(mutation));
  for (const { name } of unnoticed) say(`Unnoticed: ${name}. Add a test that fails with it.`);
  say(`${chosen.length - unnoticed.length} caught, ${unnoticed.length} unnoticed`);
  return unnoticed.length === 0 ? 0 : 1;
}

function lookForPlaces(mutations) {
  const gone = mutations.flatMap(({ name, edits }) =>
    edits
      .filter(([file, before]) => countOf(path.join(ROOT, file), before) !== 1)
      .map(([file]) => `${name}: ${file}`),
  );
  for (const place of gone) say(`Its place is gone: ${place}`);
  return gone.length === 0 ? 0 : 1;
}

function countOf(file, text) {
  return readFileSync(file, 'utf8').split(text).length - 1;
}

function isCaught({ name, mistake, edits, tests }) {
  const copy = mkdtempSync(path.join(tmpdir(), 'leadwell-mutation-'));
  try {
    copySources(copy);
    for (const edit of edits) makeEdit(copy, edit);
    const { failed, ran } = runTests(copy, tests);
    say(`${failed > 0 ? 'caught' : 'UNNOTICED'}  ${name}: ${mistake} (${failed} of ${ran} tests fail)`);
    return failed > 0;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function copySources(copy) {
  for (const file of ['jest.config.js', 'jest.sequencer.js', 'package.json', 'tsconfig.base.json'])
    cpSync(path.join(ROOT, file), path.join(copy, file));
  for (const room of COPIED) {
    cpSync(path.join(ROOT, room), path.join(copy, room), {
      recursive: true,
      filter: (source) => !['dist', 'node_modules'].includes(path.basename(source)),
    });
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
}

function makeEdit(copy, [file, before, after]) {
  const target = path.join(copy, file);
  const count = countOf(target, before);
  if (count !== 1)
    throw new Error(`${file} holds the text of a mutation ${count} times, not once: ${before}`);
  writeFileSync(target, readFileSync(target, 'utf8').split(before).join(after));
}

/** A test file that could not run at all proves nothing. */
function runTests(copy, tests) {
  const report = path.join(copy, 'report.json');
  const jest = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  spawnSync(process.execPath, [jest, '--rootDir', copy, '--json', `--outputFile=${report}`, ...tests], {
    cwd: copy,
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const { numFailedTests, numTotalTests, numRuntimeErrorTestSuites } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  if (numRuntimeErrorTestSuites > 0 || numTotalTests === 0)
    throw new Error(`${tests.join(', ')} could not run.`);
  return { failed: numFailedTests, ran: numTotalTests };
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
