/** `npm run chaos`: load and faults from a seed over real processes, then the audit. Exit code 1 where a gate is broken. */
import { setTimeout as delay } from 'node:timers/promises';
import { seedTenant } from '@leadwell/harness/seed';
import { tellAwaited } from './awaited';
import { ChaosClient } from './chaos-client';
import { inject } from './inject';
import { Journal } from './journal';
import { countPending, Load } from './load';
import { readOptions, type ChaosOptions } from './options';
import { Random } from './random';
import { Recoveries } from './recovery';
import { brokenGates, resultOf } from './report';
import { say } from './say';
import { planFaults } from './schedule';
import { startStack, type Stack } from './stack';
import { judge } from './verdict';

const DRAIN_MS = 240_000;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  say(`Seed ${options.seed}, queue on ${options.backend}. Starting …`);
  let kills = 0;
  const countKill = (): void => void kills++;
  const stack = await startStack(options.backend, options.seed, countKill);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => breakOff(stack));
  try {
    const journal = new Journal();
    const recoveries = new Recoveries(
      stack.knex,
      once(() => sayAwaited(stack)),
    );
    const client = new ChaosClient(stack.apiUrls, journal);
    const load = new Load({ ...(await seedTenants(stack, options)), client });
    let isOver = false;
    const loading = load.run(() => isOver);
    await injectAll(options, { stack, recoveries, countKill }, () => kills);
    await recoveries.finish();
    isOver = true;
    await loading;
    const drained = await drain(stack);
    for (const told of journal.told)
      if (told.key) await client.order({ ...told, tenant: { ...told, keyId: '' } });
    const verdict = await judge(stack.knex, journal);
    const run = { options, kills, verdict, journal, recoveries, stats: stack.sandbox.stats() };
    const result = resultOf(run);
    const broken = brokenGates(result, run);
    if (!drained) {
      say(`Not drained within ${DRAIN_MS / 1000} s.`);
      await sayAwaited(stack);
    }
    for (const line of broken) say(`BROKEN (seed ${options.seed}): ${line}`);
    if (broken.length > 0) sayLog(stack, '"level":"error"');
    process.stdout.write(`${JSON.stringify(result, null, options.json ? 0 : 2)}\n`);
    return broken.length > 0 ? 1 : 0;
  } finally {
    say('Stopping …');
    await stack.stop();
    say('Stopped.');
  }
}

/** Nothing of the stack outlives this process, whoever ends it. */
function breakOff(stack: Stack): void {
  say('Broken off. Stopping …');
  void stack.stop().finally(() => process.exit(1));
}

/** What the processes logged last: where to look first. */
function sayLog(stack: Stack, level: string): void {
  for (const one of [...stack.apis, ...stack.workers])
    for (const line of one.listLines(level).slice(-5)) say(`${one.name}: ${line}`);
}

/** The first one shows what the others would. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

async function sayAwaited(stack: Stack): Promise<void> {
  say(`what is pending waits for:\n${await tellAwaited(stack.knex).catch(String)}`);
  sayLog(stack, '"level":"warn"');
}

async function seedTenants(stack: Stack, options: ChaosOptions) {
  const credits = 100_000_000;
  const rich = [
    await seedTenant(stack.knex, { credits }),
    await seedTenant(stack.knex, { credits }),
  ] as const;
  const tenants = { rich, poor: await seedTenant(stack.knex, { credits: 500 }) };
  return { knex: stack.knex, tenants, seed: options.seed, random: new Random(options.seed, 'load') };
}

/** A pause lasts longer than a lease: it goes on beside the next faults, unless each is to be healed first. */
async function injectAll(
  options: ChaosOptions,
  injection: Parameters<typeof inject>[0],
  kills: () => number,
): Promise<void> {
  const endsAtMs = Date.now() + options.seconds * 1000;
  const isOver = (): boolean => (options.kills ? kills() >= options.kills : Date.now() >= endsAtMs);
  const faults = planFaults(new Random(options.seed, 'faults'), options.backend, options);
  const beside: Promise<void>[] = [];
  while (!isOver()) {
    const fault = faults.next().value;
    await delay(fault.afterMs);
    say(`${fault.name}; ${kills()} killed so far`);
    const done = inject(injection, fault);
    if (fault.name === 'worker-pause' && !options.calm) beside.push(done);
    else await done;
    if (options.calm) await injection.recoveries.finish();
  }
  await Promise.all(beside);
}

async function drain(stack: Stack): Promise<boolean> {
  stack.sandbox.clearFaults();
  stack.postgres.proxy.cutCommitReplies(0);
  const startedAt = Date.now();
  while ((await countPending(stack.knex)) > 0) {
    if (Date.now() - startedAt > DRAIN_MS) return false;
    await delay(200);
  }
  return true;
}

// Whatever ends this process before the verdict is a failure.
process.exitCode = 1;
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
