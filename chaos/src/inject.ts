/** What each fault does. Each resolves when it is healed; what was killed is started again by its supervisor. */
import { setTimeout as delay } from 'node:timers/promises';
import Redis from 'ioredis';
import { execute } from '@leadwell/shared/db/database';
import type { FaultName } from './fault-names';
import type { Recoveries } from './recovery';
import { at, type PlannedFault } from './schedule';
import type { ProxiedServer, Stack } from './stack';

/** Longer than the lease of 8 s. */
const PAUSE_MS = 11_000;
const PROVIDER_FAULTS = ['500', 'hang', 'rate', 'reset', 'reset_after_answer', 'html', 'cut_json'] as const;

export interface Injection {
  stack: Stack;
  recoveries: Recoveries;
  /** A server was killed; processes tell by themselves. */
  countKill: () => void;
}

export async function inject(injection: Injection, fault: PlannedFault): Promise<void> {
  await INJECTORS[fault.name](injection, fault);
}

type Injector = (injection: Injection, fault: PlannedFault) => Promise<void>;

const INJECTORS: Record<FaultName, Injector> = {
  async 'worker-kill'({ stack, recoveries }, { target }) {
    const running = stack.workers.filter(({ pid }) => pid !== undefined);
    if (running.length === 0) return;
    const worker = at(running, target);
    const rowIds = await recoveries.listHeldRows(worker.pid);
    const killedAtMs = Date.now();
    await worker.kill();
    recoveries.worker(rowIds, killedAtMs);
  },
  async 'worker-pause'({ stack }, { target }) {
    const worker = at(stack.workers, target);
    worker.pause();
    await delay(PAUSE_MS);
    worker.resume();
  },
  'api-kill': ({ stack }, { target }) => at(stack.apis, target).kill(),
  async 'postgres-restart'({ stack, recoveries, countKill }) {
    countKill();
    await stack.postgres.server.restart();
    await recoveries.postgres(Date.now());
  },
  async 'postgres-terminate'({ stack, recoveries }) {
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'leadwell-%'`;
    await execute(stack.knex, sql);
    await recoveries.postgres(Date.now());
  },
  /** Every connection is lost, and nobody told: that of a statement is given up after 20 s, which is no recovery of the server's. */
  async 'postgres-silent'({ stack }, { size }) {
    stack.postgres.proxy.setState('silent');
    await delay(1_000 + size * 4_000);
    stack.postgres.proxy.setState('forward');
  },
  async 'commit-cut'({ stack }, { size }) {
    stack.postgres.proxy.cutCommitReplies(1 + Math.floor(size * 5));
    await delay(1_000);
  },
  async 'provider-faults'({ stack }, { target, size }) {
    stack.sandbox.addFault({ kind: at(PROVIDER_FAULTS, target), count: 1 + Math.floor(size * 10) });
    await delay(500);
  },
  async latency({ stack }, { size }) {
    stack.postgres.proxy.setDelay(Math.floor(size * 40));
    await delay(3_000);
    stack.postgres.proxy.setDelay(0);
  },
  async 'redis-restart'(injection) {
    const { server } = redisOf(injection);
    injection.countKill();
    await server.restart();
    await injection.recoveries.redis(Date.now());
  },
  async 'redis-flush'(injection) {
    const redis = new Redis(redisOf(injection).server.url);
    await redis.flushall().finally(() => redis.disconnect());
    await injection.recoveries.redis(Date.now());
  },
  'redis-silent': (injection, { size }) => cutOff(injection, 'silent', 2_000 + size * 8_000),
  'redis-away': (injection, { size }) => cutOff(injection, 'away', 2_000 + size * 8_000),
};

async function cutOff(injection: Injection, state: 'silent' | 'away', forMs: number): Promise<void> {
  const { proxy } = redisOf(injection);
  proxy.setState(state);
  await delay(forMs);
  proxy.setState('forward');
  await injection.recoveries.redis(Date.now());
}

function redisOf({ stack }: Injection): ProxiedServer {
  if (!stack.redis) throw new Error('A fault of Redis was drawn where the queue is in PostgreSQL.');
  return stack.redis;
}
