/**
 * What every `npm run` goes through: installs what is missing, builds what changed, runs the task, and passes its
 * signals and exit code on. Needs nothing but Node. Run as `node scripts/run.mjs <task> [arguments]`.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const WORKSPACES = [
  'shared',
  'migrations',
  'providers',
  'api',
  'worker',
  'sandbox',
  'cli',
  'harness',
  'chaos',
  'bench',
];
/** Holds the fingerprint of the sources that the present build was made from. */
const BUILD_STAMP = 'node_modules/.cache/leadwell-build';
const LOWEST_NODE = [20, 19];

/** The young generation no larger than in the image: see Dockerfile. */
const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=16'];

const program =
  (file, ...first) =>
  (args) =>
    runNode([...NODE_FLAGS, file, ...first, ...args]);

const TASKS = {
  build: async () => 0,
  test: (args) => test(args),
  check: (args) => check(args),
  demo: program('cli/dist/demo.js'),
  start: program('cli/dist/start.js'),
  migrate: program('cli/dist/main.js', 'migrate'),
  cli: program('cli/dist/main.js'),
  api: program('api/dist/main.js'),
  worker: program('worker/dist/main.js'),
  sandbox: program('sandbox/dist/main.js'),
  chaos: program('chaos/dist/main.js'),
  fuzz: (args) => fuzz(args),
  model: (args) => model(args),
  bench: program('bench/dist/main.js'),
  mutations: program('scripts/mutations.mjs'),
  schema: program('cli/dist/local/write-schema.js'),
  'docs:config': program('cli/dist/local/write-config-docs.js'),
};
/** These have their own environment; the others read `.env`, which never overrides what is set. */
const WITHOUT_ENV_FILE = new Set([
  'build',
  'test',
  'check',
  'demo',
  'chaos',
  'fuzz',
  'model',
  'bench',
  'mutations',
  'schema',
  'docs:config',
]);

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // The task decides when to go; we follow with its exit code.
  process.on(signal, () => running.forEach((child) => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)));
}
if (process.env.npm_lifecycle_event) endWithNpm();
process.exitCode = await main(process.argv.slice(2));

async function main([name, ...args]) {
  const task = TASKS[name];
  if (!task) return fail(`Unknown task "${name ?? ''}". There are: ${Object.keys(TASKS).join(', ')}.`);
  if (!nodeIsNewEnough()) {
    return fail(
      `Node ${LOWEST_NODE.join('.')} or later is needed; this is ${process.version}. See https://nodejs.org`,
    );
  }
  process.chdir(ROOT);
  const unready = await prepare(name);
  if (unready !== 0) return unready;
  if (!WITHOUT_ENV_FILE.has(name) && existsSync('.env')) process.loadEnvFile('.env');
  return task(args);
}

/** A signal that npm alone gets ends npm and its shell, which pass none on: the task would be left behind, with nobody to end it. */
function endWithNpm() {
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    running.forEach((child) => child.kill('SIGTERM'));
  }, 500).unref();
}

function nodeIsNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > LOWEST_NODE[0] || (major === LOWEST_NODE[0] && minor >= LOWEST_NODE[1]);
}

/** Installs and builds, one process at a time: `npm run api` and `npm run worker` may start together on a fresh clone. */
async function prepare(name) {
  // An image is built with its packages and output, and without the tools to make them. Who says `build` has them, or wants them.
  if (process.env.NODE_ENV === 'production' && name !== 'build') return 0;
  if (isInstalled() && isBuilt()) return 0;
  const unlock = await lock();
  try {
    return (await install()) || (await build());
  } finally {
    unlock();
  }
}

async function lock() {
  const file = path.join(ROOT, '.data', 'prepare.lock');
  mkdirSync(path.dirname(file), { recursive: true });
  for (;;) {
    try {
      writeFileSync(file, `${process.pid} ${startOf(process.pid)}`, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!holderIsAlive(file)) rmSync(file, { force: true });
    await delay(100);
  }
}

function holderIsAlive(file) {
  try {
    const [pid, start] = readFileSync(file, 'utf8').split(' ');
    // Just created and not yet written: the holder is alive.
    if (!pid) return Date.now() - statSync(file).mtimeMs < 2_000;
    process.kill(Number(pid), 0);
    // After a crash of the machine or its container a later process has the same id, and it may be this one.
    return start === undefined || start === startOf(pid);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** As in shared/src/runtime/server-users.ts, which may not be built yet. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** Whether node_modules holds exactly what package-lock.json says, by the list npm keeps there. No list: an install was cut off. */
function isInstalled() {
  try {
    const wanted = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
    const present = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')).packages;
    return Object.entries(wanted).every(
      ([name, entry]) =>
        !name.includes('node_modules/') ||
        entry.optional ||
        (present[name] !== undefined && present[name].version === entry.version),
    );
  } catch {
    return false;
  }
}

async function install() {
  if (isInstalled()) return 0;
  const startedAt = Date.now();
  say('Installing packages …');
  // No package of ours needs its install script; none gets to run one.
  const code = await runNpm([
    'ci',
    '--include=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (code === 0) say(`Installed in ${seconds(startedAt)}.`);
  return code;
}

function runNpm(args) {
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  const npm = process.env.npm_execpath;
  if (npm && path.basename(npm) === 'npm-cli.js') return run(process.execPath, [npm, ...args], quiet);
  return run('npm', args, { ...quiet, shell: process.platform === 'win32' });
}

function isBuilt() {
  const built = WORKSPACES.every((name) => existsSync(`${name}/dist/.tsbuildinfo`));
  return built && existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === sourceFingerprint();
}

async function build() {
  const fingerprint = sourceFingerprint();
  if (isBuilt()) return 0;
  const startedAt = Date.now();
  say('Building …');
  // Types are `npm run check`'s to judge: without them, whoever tries a fresh clone waits a third as long.
  const code = await runNode(['node_modules/typescript/bin/tsc', '-b', '--noCheck', ...WORKSPACES]);
  if (code !== 0) return code;
  mkdirSync(path.dirname(BUILD_STAMP), { recursive: true });
  writeFileSync(BUILD_STAMP, fingerprint);
  say(`Built in ${seconds(startedAt)}.`);
  return 0;
}

/** Changes when any source changes; an up-to-date `tsc -b` alone costs a second. */
function sourceFingerprint() {
  const hash = createHash('sha256');
  const add = (file) => {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  };
  for (const name of WORKSPACES.filter((name) => existsSync(`${name}/src`))) {
    add(`${name}/tsconfig.json`);
    for (const file of readdirSync(`${name}/src`, { recursive: true }).sort()) {
      if (file.endsWith('.ts')) add(`${name}/src/${file}`);
    }
  }
  add('tsconfig.base.json');
  return hash.update(readFileSync('package-lock.json')).digest('hex');
}

/** Everything that CI wants; all of it runs, so that one report names every fault. What reads only, at once. */
async function check(args) {
  const steps = {
    format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
    lint: ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.'],
    types: ['node_modules/typescript/bin/tsc', '-b'],
  };
  const names = Object.keys(steps);
  say(`Checking ${names.join(', ')} …`);
  const codes = await Promise.all(names.map((name) => runNode(steps[name])));
  const failed = names.filter((_, at) => codes[at] !== 0);
  say('Running the tests …');
  const code = await test(args, failed);
  return failed.length > 0 ? 1 : code;
}

/**
 * Runs jest with the arguments given. The last line is `N passed, N failed`; a test file that cannot run counts as
 * failed, and so does each of the checks that failed before.
 */
async function test(args, failedChecks = []) {
  const report = path.join(tmpdir(), `leadwell-jest-${process.pid}.json`);
  const code = await runNode(['node_modules/jest/bin/jest.js', '--json', `--outputFile=${report}`, ...args]);
  const result = readReport(report);
  // With arguments somebody wants some of the tests; CI wants all.
  const forbidden = process.env.CI && args.length === 0 ? result.skipped : 0;
  if (result.skipped > 0)
    say(`${result.skipped} skipped.${forbidden ? ' CI skips nothing: this is a failure.' : ''}`);
  if (failedChecks.length > 0) say(`Failed: ${failedChecks.join(', ')}.`);
  const failed = result.failed + forbidden + failedChecks.length;
  console.log(`${result.passed} passed, ${failed} failed`);
  return code || (failed > 0 ? 1 : 0);
}

/** The fuzz test alone, with `--count` calls (100,000) of `--seed` (of the time). */
function fuzz(args) {
  return generated(args, 'count', '100000', 'FUZZ', 'tests/fuzz.test.ts');
}

/** The model test alone, with `--runs` sequences (10,000) of `--seed` (of the time). */
function model(args) {
  return generated(args, 'runs', '10000', 'MODEL', 'tests/model.test.ts');
}

/** A test of generated cases, told by `<PREFIX>_<AMOUNT>` and `<PREFIX>_SEED` how many and which. */
async function generated(args, amount, usual, prefix, file) {
  const { values } = parseArgs({ args, options: { [amount]: { type: 'string' }, seed: { type: 'string' } } });
  const wrong = Object.values(values).filter((text) => !/^\d+$/.test(text));
  if (wrong.length > 0) return fail(`--${amount} and --seed take whole numbers.`);
  process.env[`${prefix}_${amount.toUpperCase()}`] = values[amount] ?? usual;
  if (values.seed !== undefined) process.env[`${prefix}_SEED`] = values.seed;
  return runNode(['node_modules/jest/bin/jest.js', file]);
}

function readReport(file) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(file, 'utf8'));
  rmSync(file);
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function runNode(args) {
  return run(process.execPath, args);
}

/** Runs a program to its end and gives its exit code; one that a signal ended gives 128 + the signal, as a shell does. */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    running.add(child);
    child.on('error', (error) => resolve(fail(`${command} could not be started: ${error.message}`)));
    child.on('exit', (code, signal) => {
      running.delete(child);
      resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGKILL' ? 9 : 15));
    });
  });
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}

/** Progress goes to standard error: a `--json` task's output stays its own. */
function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  say(text);
  return 1;
}
