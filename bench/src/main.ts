/**
 * `npm run bench`: measures the service against its physical floor and against what most people write instead, in one
 * run on one machine. See docs/performance.md.
 */
import { SETTINGS } from '@leadwell/shared/config/settings';
import { runAndTearDown, TearDown } from '@leadwell/cli/local/tear-down';
import { readArguments, USAGE, type BenchArguments } from './arguments';
import { createContext } from './context';
import type { Group, Measure } from './group';
import { GROUPS } from './groups';
import { describeLoad, describeMachine, describeMeasures, jsonLine } from './report';
import { startServers, type Servers } from './servers/servers';

async function run(options: BenchArguments, tearDown: TearDown): Promise<void> {
  // What the shell has set for a deployment of its own is not to reach ours.
  for (const { variable } of Object.values(SETTINGS)) delete process.env[variable];
  show(describeMachine());
  if (options.size === 'small') show('Size small: shows that everything measures. The numbers mean nothing.');
  const servers = await startServers(tearDown, say('servers'));
  const chosen = GROUPS.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  const measures: Measure[] = [];
  const failed: string[] = [];
  for (const group of chosen) {
    try {
      measures.push(...(await runGroup(group, options, servers, tearDown)));
    } catch (error) {
      // The others still measure; the run fails at its end.
      show(
        `  ${group.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      failed.push(group.name);
    }
  }
  if (options.json) process.stdout.write(`${jsonLine(measures)}\n`);
  if (failed.length > 0) throw new Error(`Without measures: ${failed.join(', ')}.`);
}

/** Runs one group and ends what it began; the whole run's end does so too where the group is interrupted. */
async function runGroup(
  group: Group,
  options: BenchArguments,
  servers: Servers,
  whole: TearDown,
): Promise<Measure[]> {
  show(`\n${group.name}: ${group.purpose}`);
  const own = new TearDown();
  whole.add(group.name, () => own.run());
  const startedAt = performance.now();
  const loadBefore = describeLoad();
  try {
    const measures = await group.run(createContext(options, servers, own, say(group.name)));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    process.stdout.write(`${describeMeasures(measures)}\n`);
    show(`  ${seconds} s; load ${loadBefore} before, ${describeLoad()} after`);
    return measures;
  } finally {
    const failed = await own.run();
    if (failed.length > 0) show(`  not everything was ended: ${failed.join('; ')}`);
  }
}

/** Progress goes to standard error, measures to standard output. */
function show(text: string): void {
  process.stderr.write(`${text}\n`);
}

function say(where: string): (text: string) => void {
  return (text) => show(`  ${where}: ${text}`);
}

function main(args: readonly string[]): void {
  let options: BenchArguments;
  try {
    options = readArguments(
      args,
      GROUPS.map(({ name }) => name),
    );
  } catch (error) {
    show(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exitCode = 1;
    return;
  }
  void runAndTearDown(
    (tearDown) => run(options, tearDown),
    () => 1,
  );
}

main(process.argv.slice(2));
