/**
 * `npm run demo`: the whole service on this machine for a minute. A fresh database on the embedded PostgreSQL, the
 * sandbox in the providers' place, 1,000 sample leads enriched over HTTP, the audit. Leaves nothing running.
 */
import { SETTINGS } from '@leadwell/shared/config/settings';
import { resolveDatabaseUrl } from '@leadwell/shared/runtime/embedded-postgres';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, createApiClient, type Field, type RequestProgress } from './local/api-client';
import { createDemoDatabase } from './local/demo-database';
import { type FieldOutcome, leadTable, nextSteps, outcomeTable } from './local/demo-report';
import { createOrganisation, importSampleLeads } from './local/organisation';
import { showProgress } from './local/progress';
import { runCli } from './local/run-cli';
import { portOrFree, type Stack, startStack } from './local/sandbox-stack';
import { runAndTearDown, type TearDown } from './local/tear-down';

const CREDITS = 30_000;
const LEADS = 1_000;
const PACE = 20;
/** Nothing that ends for this long: something is wrong. */
const STANDSTILL_MS = 60_000;
const FIELDS: readonly Field[] = ['emails', 'phones'];

/** Nothing of the user's environment: a demo must not touch a real database, nor ask a real provider. */
function demoSettings(): Record<string, string> {
  const unset = Object.values(SETTINGS).map(({ variable }) => [variable, '']);
  return { ...(Object.fromEntries(unset) as Record<string, string>), SANDBOX_PACE: String(PACE) };
}

async function main(tearDown: TearDown): Promise<void> {
  const startedAt = Date.now();
  console.log('Starting PostgreSQL, the sandbox, the API and a worker …');
  const stack = await startDemoStack(tearDown);
  console.log(
    `  The API listens on ${stack.url}. No provider is asked: a sandbox answers, with invented data,`,
  );
  console.log(`  under the providers' real limits times ${PACE} (SANDBOX_PACE=${PACE}).\n`);
  await Promise.race([stack.failure, showService(stack)]);
  console.log(
    `\nDone in ${((Date.now() - startedAt) / 1000).toFixed(0)} s. Where to go next:\n\n${nextSteps()}\n`,
  );
}

async function startDemoStack(tearDown: TearDown): Promise<Stack> {
  const settings = demoSettings();
  const server = await resolveDatabaseUrl({ databaseUrl: undefined });
  tearDown.add('embedded database', () => server.release());
  const database = await createDemoDatabase(server.url);
  tearDown.add('demo database', () => database.drop());
  await runCli(['migrate'], { ...settings, DATABASE_URL: database.url });
  const stack = await startStack({
    databaseUrl: database.url,
    port: await portOrFree(3000),
    sandboxPort: await portOrFree(4010),
    withSandbox: true,
    settings,
    logDirectory: undefined,
  });
  tearDown.add('processes', () => stack.stop(7_000));
  return stack;
}

async function showService(stack: Stack): Promise<void> {
  const { apiKey } = await createOrganisation('Demo', CREDITS, stack.env);
  const { inserted } = await importSampleLeads(stack.env);
  console.log(`Created an organisation with ${CREDITS} credits; imported ${inserted} sample leads.\n`);
  const client = createApiClient(stack.url, apiKey);
  console.log(
    `POST /api/v1/operations/enrichment/bulk, the first ${LEADS} leads of the search, once a field:`,
  );
  const outcomes = await enrichAll(client, stack);
  console.log(`\n${outcomeTable(outcomes)}\n\n  Credits left: ${await client.getBalance()}\n`);
  console.log(`Some of the leads:\n\n${leadTable(outcomes)}\n`);
  await showAudit(stack);
}

async function enrichAll(client: ApiClient, stack: Stack): Promise<FieldOutcome[]> {
  const requests = await Promise.all(FIELDS.map((field) => client.enrichRange(field, LEADS)));
  const progress = showProgress(requests.map(({ field, selected }) => ({ name: field, total: selected })));
  try {
    return await Promise.all(
      requests.map(async (accepted) => {
        const onProgress = ({ total, pending }: RequestProgress): void =>
          progress.update(accepted.field, total - pending);
        const ended = await waitForEnd(client, accepted.location, onProgress).catch((error: Error) => {
          throw new Error(`${error.message}\n\n${stack.describe()}`);
        });
        return { accepted, progress: ended, results: await client.getResults(accepted.location) };
      }),
    );
  } finally {
    progress.stop();
  }
}

async function waitForEnd(
  client: ApiClient,
  location: string,
  onProgress: (progress: RequestProgress) => void,
): Promise<RequestProgress> {
  let pending = Infinity;
  let movedAt = Date.now();
  for (;;) {
    const progress = await client.getProgress(location);
    onProgress(progress);
    if (progress.pending === 0) return progress;
    if (progress.pending !== pending) movedAt = Date.now();
    pending = progress.pending;
    if (Date.now() - movedAt > STANDSTILL_MS) {
      throw new Error(
        `Nothing moves: ${pending} of ${progress.total} leads are still pending after a minute.`,
      );
    }
    await delay(250);
  }
}

async function showAudit(stack: Stack): Promise<void> {
  const audit = await runCli<{ ok: boolean; invariants: { name: string; violations: number }[] }>(
    ['audit'],
    stack.env,
    true,
  );
  if (!audit.ok) throw new Error(`The audit found violations:\n${JSON.stringify(audit.invariants, null, 2)}`);
  console.log(`Audit: clean. ${audit.invariants.length} invariants hold over every account, row and batch.`);
}

void runAndTearDown(main, (signal) => (signal === 'SIGINT' ? 130 : 143));
