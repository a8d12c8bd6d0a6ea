/**
 * `npm start`: PostgreSQL (embedded unless DATABASE_URL is set), the sandbox (unless PROVIDERS_FILE names providers),
 * the API and a worker on loopback, until Ctrl-C. Data, key and logs stay in `.data/`.
 */
import { type Config, loadConfig } from '@leadwell/shared/config/config';
import { resolveDatabaseUrl } from '@leadwell/shared/runtime/embedded-postgres';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { ensureLocalOrganisation } from './local/local-organisation';
import { registerSandboxStack } from './local/local-stack';
import { runCli } from './local/run-cli';
import { isFree, portOrFree, type Stack, startStack } from './local/sandbox-stack';
import { runAndTearDown, type TearDown } from './local/tear-down';

const DATA = path.resolve('.data');
const LOGS = path.join(DATA, 'logs');
/** All together end within ten seconds. */
const STOP_MS = 6_000;

async function main(tearDown: TearDown): Promise<void> {
  const config = loadConfig(process.env);
  if (config.port !== 0 && !(await isFree(config.port))) {
    throw new Error(
      `Port ${config.port} is taken. Stop what listens there, or choose another: PORT=3001 npm start`,
    );
  }
  console.log('Starting …');
  const stack = await startLocalStack(config, tearDown);
  const { apiKey } = await ensureLocalOrganisation(path.join(DATA, 'organisation.json'), stack);
  console.log(describe(stack.url, apiKey, config));
  await stack.failure;
}

async function startLocalStack(config: Config, tearDown: TearDown): Promise<Stack> {
  mkdirSync(LOGS, { recursive: true });
  const database = await resolveDatabaseUrl(config, DATA);
  tearDown.add('embedded database', () => database.release());
  await runCli(['migrate'], { DATABASE_URL: database.url });
  const stack = await startStack({
    databaseUrl: database.url,
    port: await portOrFree(config.port),
    sandboxPort: await portOrFree(config.sandboxPort),
    withSandbox: config.providersFile === undefined,
    settings: {},
    logDirectory: LOGS,
  });
  if (config.providersFile === undefined) {
    const leave = registerSandboxStack({ DATABASE_URL: process.env['DATABASE_URL'] });
    tearDown.add('registration', () => Promise.resolve(leave()));
  }
  tearDown.add('processes', async () => {
    const killed = await stack.stop(STOP_MS);
    if (killed.length > 0)
      console.log(`Killed after ${STOP_MS / 1000} s: ${killed.join(', ')}. No work is lost.`);
  });
  return stack;
}

function describe(url: string, apiKey: string, config: Config): string {
  const body = '{"selection":{"mode":"bulk","startIndex":0,"targetCount":5,"filters":{}},"field":"emails"}';
  const post = `curl -sS -X POST '${url}/api/v1`;
  const headers = `-H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json'`;
  const sandbox = `A sandbox answers in the providers' place, with invented data (SANDBOX_PACE=${config.sandboxPace}).`;
  return `
  API      ${url}/api/v1
  API key  ${apiKey}
  Logs     ${LOGS}

${config.providersFile === undefined ? sandbox : `Providers: ${config.providersFile}`}

Enrich the first five leads:

${post}/operations/enrichment/bulk' ${headers} -d '${body}'

A moment later, the same five with what was found:

${post}/entities/prospects/person' ${headers} -d '{"size":5}'

Ctrl-C stops everything; the data stays in ${DATA}.
`;
}

void runAndTearDown(main, () => 0);
