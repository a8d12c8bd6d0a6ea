/** Loaded by `node --require` into a process that is to die at a point of FAIL_POINTS. See fail-points.ts. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { FAIL_POINTS, type FailPointPlace } from './fail-points';

type AnyFunction = (...args: unknown[]) => unknown;

function install(point: string): void {
  const place = (FAIL_POINTS as Record<string, FailPointPlace>)[point];
  if (!place) throw new Error(`HARNESS_FAIL_POINT: ${point} is no fail point.`);
  const file = path.join(__dirname, '..', '..', place.module);
  // The sources compile to CommonJS, where callers look an export up at each call: what is replaced here is what they call.
  const module = createRequire(__filename)(file) as Record<string, unknown>;
  const original = module[place.name];
  if (typeof original !== 'function')
    throw new Error(`${place.module} exports no function ${place.name}: mend FAIL_POINTS.`);
  module[place.name] = WRAPPERS[place.when](original as AnyFunction);
}

const WRAPPERS: Record<FailPointPlace['when'], (original: AnyFunction) => AnyFunction> = {
  before: () => die,
  after:
    (original) =>
    async (...args) => {
      const result = await original(...args);
      return isWork(result) ? die() : result;
    },
  halfway: (original) => (location, onError) => {
    const queues = original(location, onError) as { add: (field: string, jobs: unknown[]) => Promise<void> };
    const { add } = queues;
    queues.add = async (field, jobs) => {
      if (jobs.length === 0) return;
      await add(field, jobs.slice(0, Math.floor(jobs.length / 2)));
      await die();
    };
    return queues;
  },
};

/** A claim that took nothing is no point of the protocol: there is nothing in anybody's hands. */
function isWork(result: unknown): boolean {
  return result !== null && !(Array.isArray(result) && result.length === 0);
}

/** Nothing runs after it: not a handler, not a line of log. */
function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

install(process.env['HARNESS_FAIL_POINT'] ?? '');
