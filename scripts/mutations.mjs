/**
 * Shows that the tests catch the six mistakes that would break the promise: each is made in a copy of the sources, and every
 * test named with it must fail there, while it passes in a copy without a mistake. Run by `npm run mutations`; `-- --only NAME`
 * makes one, `--tests FILE` asks that whole file instead, `--places` only looks whether each mistake's place is still there.
 * Exit code 1 where a mistake went unnoticed, or where its place in the code is gone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const COPIED = ['shared', 'migrations', 'providers', 'api', 'worker', 'sandbox', 'cli', 'tests', 'harness'];

/** Each has a jest, PostgreSQL and Redis of its own. */
const AT_ONCE = 2;

/** Each edit replaces one text that stands exactly once in its file; each of `tests`, of that `file` (and that `group` of it), must fail. */
const MUTATIONS = [
  // Takes longest: what never comes is waited for.
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
    file: 'shared/src/relay/relay.test.ts',
    group: 'the relay on postgres',
    tests: ['has a batch delivered again whose job stands still at a worker'],
  },
  {
    name: 'no-relay',
    mistake: 'nobody turns due batches into jobs, nor sweeps',
    edits: [
      [
        'shared/src/relay/relay.ts',
        'publish: (...orgIds) => publish(options, orgIds)',
        'publish: async () => undefined',
      ],
    ],
    file: 'shared/src/relay/relay.test.ts',
    group: 'the relay on postgres',
    tests: ['queues a due batch once, whoever looks how often'],
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
        'WHERE e.org_id = w.org_id AND e.id = w.id AND e.status = :pending',
        'WHERE e.org_id = w.org_id AND e.id = w.id',
      ],
    ],
    file: 'shared/src/settle/settle.test.ts',
    tests: [
      'changes nothing under a fence that was raised',
      'refunds what found nothing, once, however often it is settled',
    ],
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
    file: 'tests/credits.test.ts',
    tests: ['lets exactly as many of 50 clients succeed as the balance pays for'],
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
    file: 'shared/src/settle/settle.test.ts',
    tests: ['refunds what found nothing, once, however often it is settled'],
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
    file: 'shared/src/settle/settle.test.ts',
    tests: [
      'waits for the credit account before it locks a row: whoever holds the account can take the rows',
    ],
  },
];

/** Runs of jest: they end with us. */
const running = new Set();
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);

process.exitCode = await main(process.argv.slice(2));

function stop() {
  isStopped = true;
  for (const run of running) run.kill();
}

async function main(args) {
  const options = { only: { type: 'string' }, tests: { type: 'string' }, places: { type: 'boolean' } };
  const { only, tests: file, places } = parseArgs({ args, options }).values;
  const chosen = MUTATIONS.filter(({ name }) => only === undefined || name === only).map((mutation) =>
    file === undefined ? mutation : { ...mutation, file, group: undefined, tests: null },
  );
  if (chosen.length === 0) {
    say(`There is no mutation "${only}". There are: ${MUTATIONS.map(({ name }) => name).join(', ')}.`);
    return 1;
  }
  if (places) return lookForPlaces(chosen);
  const startedAt = Date.now();
  const results = await runInTurns([...chosen, ...controlsOf(chosen)], AT_ONCE, tryOut);
  const failed = results.filter((isAsItShould) => !isAsItShould).length;
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  say(
    `${chosen.length} mistakes, ${failed === 0 ? 'each caught' : `${failed} runs not as they should be`}, in ${seconds} s`,
  );
  return failed === 0 ? 0 : 1;
}

/** The same tests without a mistake, file by file: one that fails anyway notices nothing. */
function controlsOf(mutations) {
  return [...new Set(mutations.map(({ file }) => file))].map((file) => {
    const [first, ...others] = mutations.filter((mutation) => mutation.file === file);
    const tests = first.tests && [...new Set([first, ...others].flatMap((mutation) => mutation.tests))];
    return { ...first, name: `control of ${file}`, tests, edits: [] };
  });
}

async function runInTurns(items, atOnce, work) {
  const results = [];
  const queue = items.values();
  const lane = async () => {
    for (const item of queue) if (!isStopped) results.push(await work(item));
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}

function lookForPlaces(mutations) {
  const gone = mutations.flatMap(({ name, edits }) =>
    edits
      .filter(([file, before]) => countOf(path.join(ROOT, file), before) !== 1)
      .map(([file]) => `${name}: ${file}`),
  );
  const unknown = mutations.flatMap(({ name, file, tests }) =>
    (tests ?? [])
      .filter((test) => countOf(path.join(ROOT, file), `it('${test}'`) !== 1)
      .map((test) => `${name}: ${file}: ${test}`),
  );
  for (const place of gone) say(`Its place is gone: ${place}`);
  for (const test of unknown) say(`Its test is gone: ${test}`);
  return gone.length + unknown.length === 0 ? 0 : 1;
}

function countOf(file, text) {
  return readFileSync(file, 'utf8').split(text).length - 1;
}

/** Whether the tests said what they should: failed with the mistake, passed without one. Never rejects. */
async function tryOut({ name, mistake, edits, ...asked }) {
  const { file, tests } = asked;
  const copy = mkdtempSync(path.join(tmpdir(), 'leadwell-mutation-'));
  try {
    copySources(copy);
    for (const edit of edits) makeEdit(copy, edit);
    const results = await runTests(copy, asked);
    const failed = results.filter(({ status }) => status === 'failed');
    if (edits.length === 0) {
      for (const { title } of failed) say(`FAILS WITHOUT A MISTAKE  ${file}: ${title}`);
      return failed.length === 0;
    }
    // With names, each of them; of a whole file, any.
    const blind = tests?.filter((test) => !failed.some(({ title }) => title === test)) ?? [];
    const isCaught = failed.length > 0 && blind.length === 0;
    say(
      `${isCaught ? 'caught' : 'UNNOTICED'}  ${name}: ${mistake} (${failed.length} of ${results.length} tests fail)`,
    );
    for (const test of blind) say(`  passes with it: ${test}`);
    return isCaught;
  } catch (error) {
    say(`BROKEN  ${name}: ${error.message}`);
    return false;
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

/** What became of each test that ran; all of the file where no names are given. Throws where none could: that proves nothing. */
async function runTests(copy, { file, group = '', tests }) {
  const report = path.join(copy, 'report.json');
  const jest = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const pattern = `${escapePattern(group)}.*(${(tests ?? []).map(escapePattern).join('|')})`;
  const named = tests === null ? [] : ['--testNamePattern', pattern];
  const args = [jest, '--rootDir', copy, '--runInBand', '--json', `--outputFile=${report}`, ...named, file];
  const run = spawn(process.execPath, args, { cwd: copy, stdio: 'ignore' });
  running.add(run);
  await once(run, 'exit');
  running.delete(run);
  const { testResults, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
  const results = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed');
  const missing = (tests ?? []).filter((test) => !results.some(({ title }) => title === test));
  if (numRuntimeErrorTestSuites > 0 || results.length === 0) throw new Error(`${file} could not run.`);
  if (missing.length > 0) throw new Error(`${file} has no test "${missing[0]}".`);
  return results;
}

function escapePattern(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
