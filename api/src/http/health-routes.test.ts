import { openDatabase, query } from '@leadwell/shared/db/database';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { healthRoutes } from './health-routes';
import { watchPool } from './pool-progress';

describe('health', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('gives the queue a second to answer, and is ready without it', async () => {
    const app = express();
    const hangs = () => new Promise<void>(() => undefined);
    app.use('/health', healthRoutes({ knex: database.knex, askQueue: hangs }));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/health/ready`);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: 'ready', database: 'up', queue: 'away' },
    ]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('asks once for all who want to know at the same time, and anew for who comes after', async () => {
    const app = express();
    let asked = 0;
    let answer = (): void => undefined;
    const askQueue = (): Promise<void> => new Promise((resolve) => (asked++, (answer = resolve)));
    app.use('/health', healthRoutes({ knex: database.knex, askQueue }));
    let received = 0;
    const server = app.listen(0, '127.0.0.1').on('request', () => received++);
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health/ready`;
    const ask = async (): Promise<unknown> => ((await (await fetch(url)).json()) as { queue: string }).queue;
    const many = Array.from({ length: 20 }, ask);
    await waitUntil(() => received === 20);
    answer();
    expect(await Promise.all(many)).toEqual(many.map(() => 'up'));
    const later = ask();
    await waitUntil(() => received === 21);
    answer();
    expect([await later, asked]).toEqual(['up', 2]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('takes a pool for stuck only where somebody waits and nothing moves', async () => {
    const knex = openDatabase({
      url: database.url,
      poolSize: 2,
      applicationName: 'test-pool',
      // Also how long a connection may take to open: a busy machine takes a while.
      acquireTimeoutMs: 2_000,
    });
    const isStuck = watchPool(knex, 150);
    const held = await Promise.all([knex.transaction(), knex.transaction()]);
    await expect(waitUntil(isStuck, { timeoutMs: 400 })).rejects.toThrow();
    const waiting = query(knex, 'SELECT 1').catch(() => 'gave up');
    await waitUntil(isStuck);
    expect(await waiting).toBe('gave up');
    expect(isStuck()).toBe(true);
    await held[0].rollback();
    expect(isStuck()).toBe(false);
    await held[1].rollback();
    await knex.destroy();
  });
});
