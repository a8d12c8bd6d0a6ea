/** There is no Docker where the tests run: the files are read, and their commands run with their environment on local servers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SETTINGS, type Setting } from '@leadwell/shared/config/settings';
import { newId } from '@leadwell/shared/domain/ids';
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import { createEmptyDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { guardProcess } from '@leadwell/shared/testing/guard';
import { queueBackends } from '@leadwell/shared/testing/queue-backends';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { Client } from './support/client';
import {
  readCompose,
  readDockerfile,
  readImageEnvironment,
  ROOT,
  type ComposeService,
} from './support/compose-file';
import { runCli } from './support/run-cli';

const services = readCompose({ POSTGRES_PASSWORD: 'secret', ALLOW_SANDBOX: 'true' });
const ours = Object.entries(services).filter(([, service]) => service.build !== undefined);
const scriptOf = (service: ComposeService): string =>
  [service.command ?? []].flat().find((word) => word.endsWith('.js')) ?? '';

describe('docker-compose.yml', () => {
  it('refuses to start without a password', () => {
    expect(() => readCompose({})).toThrow(/set POSTGRES_PASSWORD/);
  });

  it.each(ours)('runs in %s a program that the image holds', (_, service) => {
    const script = scriptOf(service);
    expect(existsSync(path.join(ROOT, script.replace('/dist/', '/src/').replace(/\.js$/, '.ts')))).toBe(true);
    const copied = readDockerfile().filter(({ instruction }) => instruction === 'COPY');
    expect(copied.map(({ rest }) => rest)).toContain(`${script.split('/')[0]} ${script.split('/')[0]}`);
  });

  it.each(ours)('gives %s settings that exist', (_, service) => {
    const known = Object.values<Setting>(SETTINGS).map((setting) => setting.variable);
    for (const name of Object.keys(service.environment ?? {})) expect(known).toContain(name);
  });

  it.each(['postgres', 'redis'])(
    'publishes no port of %s, keeps its data, and waits until it is well',
    (name) => {
      expect(services[name]).not.toHaveProperty('ports');
      expect(services[name]?.volumes).toHaveLength(1);
      expect(services[name]?.healthcheck?.test.length).toBeGreaterThan(1);
    },
  );

  it('publishes the API on loopback only, unless told otherwise', () => {
    expect(services['api']?.ports).toEqual(['127.0.0.1:3000:3000']);
    const open = readCompose({ POSTGRES_PASSWORD: 'x', API_BIND: '0.0.0.0', PORT: '8080' });
    expect(open['api']?.ports).toEqual(['0.0.0.0:8080:3000']);
  });

  it.each(ours)('gives %s more time to stop than it takes', (_, service) => {
    const main = path.join(ROOT, scriptOf(service).replace('/dist/', '/src/').replace(/\.js$/, '.ts'));
    const [, boundMs = '0'] = /SHUTDOWN_MS = ([\d_]+)/.exec(readFileSync(main, 'utf8')) ?? [];
    const graceMs = Number(/^(\d+)s$/.exec(service.stop_grace_period ?? '')?.[1]) * 1000;
    expect(graceMs).toBeGreaterThan(Number(boundMs.replaceAll('_', '')) + 2_000);
  });

  it('starts API and workers only after the migration has succeeded, and no sandbox unasked', () => {
    for (const name of ['api', 'worker'])
      expect(services[name]?.depends_on).toMatchObject({
        migrate: { condition: 'service_completed_successfully' },
      });
    expect(services['sandbox']?.profiles).toEqual(['sandbox']);
    const plain = readCompose({ POSTGRES_PASSWORD: 'x' });
    expect(plain['worker']?.environment?.['ALLOW_SANDBOX']).toBe('false');
  });

  it('pins every image by version', () => {
    const bases = readDockerfile().filter(({ instruction }) => instruction === 'FROM');
    const images = [...bases.map(({ rest }) => rest), services['postgres']?.image, services['redis']?.image];
    for (const image of images) expect(image).toMatch(/^[a-z]+:\d+\.\d+/);
  });
});

describe('Dockerfile', () => {
  it('copies every workspace that a deployment runs, and runs as a user without rights', () => {
    const { workspaces } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      workspaces: string[];
    };
    const lines = readDockerfile().map(({ instruction, rest }) => `${instruction} ${rest}`);
    for (const name of workspaces) {
      expect(lines).toContain(`COPY ${name}/package.json ${name}/`);
      const isForTests = ['harness', 'chaos', 'bench'].includes(name);
      // npm wants the package.json of every workspace; the sources of these would be dead weight.
      if (!isForTests) expect(lines).toContain(`COPY ${name} ${name}`);
    }
    expect(lines).toContain('USER node');
  });
});

const redis = queueBackends().find(({ name }) => name === 'redis');
(redis ? describe : describe.skip)('the commands of docker-compose.yml', () => {
  let database: TestDatabase;
  const processes: ChildProcess[] = [];

  beforeAll(async () => {
    database = await createEmptyDatabase();
  });
  afterAll(async () => {
    await Promise.all(
      processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
    await database.drop();
  });

  it('migrate an empty database, serve, work, stop in time', async () => {
    const [port, sandboxPort] = [await findFreePort(), await findFreePort()];
    const local = {
      DATABASE_URL: database.url,
      REDIS_URL: redis?.redisUrl ?? '',
      // Beside what compose sets: what two deployments on one machine must not share.
      QUEUE_PREFIX: `t${newId().slice(-10)}`,
      SANDBOX_PORT: String(sandboxPort),
      SANDBOX_PACE: '50',
      WORKER_HEARTBEAT_FILE: path.join(mkdtempSync(path.join(tmpdir(), 'heartbeat-')), 'heartbeat.json'),
    };
    const environmentOf = (name: string): NodeJS.ProcessEnv => {
      const own = services[name]?.environment ?? {};
      const texts = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, String(value)]));
      return {
        PATH: process.env['PATH'],
        ...readImageEnvironment(),
        ...texts,
        ...local,
        ...(name === 'api' && { PORT: String(port) }),
      };
    };
    const run = (name: string, command: readonly string[]): ChildProcess => {
      const [, ...args] = command;
      const child = spawn(process.execPath, args, { cwd: ROOT, env: environmentOf(name), stdio: 'ignore' });
      guardProcess(child);
      processes.push(child);
      return child;
    };
    const start = (name: string): ChildProcess => run(name, [services[name]?.command ?? []].flat());
    const exitCodeOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];

    expect(await exitCodeOf(start('migrate'))).toBe(0);
    const running = ['sandbox', 'api', 'worker'].map(start);
    const check = services['api']?.healthcheck?.test
      .slice(1)
      .map((word) => word.replace('3000', String(port)));
    const isHealthy = async (): Promise<boolean> => (await exitCodeOf(run('api', check ?? []))) === 0;
    await waitUntil(isHealthy, { message: 'the health check of the API' });
    const checkWorker = services['worker']?.healthcheck?.test.slice(1) ?? [];
    const isWorking = async (): Promise<boolean> => (await exitCodeOf(run('worker', checkWorker))) === 0;
    await waitUntil(isWorking, { message: 'the health check of the worker' });

    const { json } = await runCli<{ apiKey: string }>(
      ['org', 'create', '--name', 'Acme', '--credits', '500', '--json'],
      environmentOf('migrate'),
    );
    const sample = path.join(ROOT, 'sample', 'leads.csv');
    expect((await runCli(['leads', 'import', sample], environmentOf('migrate'))).code).toBe(0);
    const client = new Client(`http://127.0.0.1:${port}`, json.apiKey);
    const selection = { mode: 'bulk', startIndex: 0, targetCount: 20, filters: {} };
    const order = { selection, field: 'emails' };
    const ended = async (): Promise<boolean> => {
      const answer = await client.call('POST', '/operations/enrichment/bulk', order);
      const rows = (await answer.json()) as { status: string; dataFound: boolean | null }[];
      return rows.every(({ status }) => status !== 'pending') && rows.some(({ dataFound }) => dataFound);
    };
    await waitUntil(ended, { message: 'twenty leads to be enriched' });

    const ends = running.map(exitCodeOf);
    for (const child of running) child.kill('SIGTERM');
    expect(await Promise.all(ends)).toEqual([0, 0, 0]);
  });
});
