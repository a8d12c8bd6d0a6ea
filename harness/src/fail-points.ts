/**
 * Named points of the protocol at which a process of a deployment kills itself. The product knows nothing of them: the
 * hook is loaded into the process by `node --require` before its own code, and wraps the functions that are named here.
 */
import path from 'node:path';

/**
 * Where a process can be made to die. `module` is below the root of the project, `name` one of its exported functions. A
 * rename there fails the process at its start, and with it the test: see fail-point-hook.ts.
 */
export interface FailPointPlace {
  module: string;
  name: string;
  /** `before`: instead of the call; `after`: when its result is there; `halfway`: see `openBatchQueues`. */
  when: 'before' | 'after' | 'halfway';
}

const shared = (module: string): string => `shared/dist/${module}`;

export const FAIL_POINTS = {
  /** Everything is written, the Idempotency-Key too. */
  'api-before-commit': {
    module: shared('repositories/idempotency-keys'),
    name: 'keepAnswer',
    when: 'after',
  },
  /** Committed; nobody published, and the client not answered. */
  'api-after-commit': { module: 'api/dist/use-cases/publish-soon', name: 'publishSoon', when: 'before' },
  'relay-after-claim': { module: shared('repositories/due-batches'), name: 'claimDueBatches', when: 'after' },
  'relay-after-raise': {
    module: shared('repositories/due-batches'),
    name: 'raiseGenerations',
    when: 'after',
  },
  /** The first half of the jobs is in BullMQ, the rest is not. */
  'relay-during-add': { module: shared('queue/batch-queues'), name: 'openBatchQueues', when: 'halfway' },
  'worker-after-lease': { module: shared('repositories/leases'), name: 'claimLeases', when: 'after' },
  /** Claimed, and nobody called. */
  'worker-after-ask': { module: 'worker/dist/work/ask', name: 'claimAsksOfCalls', when: 'after' },
  /** The provider has answered, and was paid; nothing of it is stored. */
  'worker-before-answer': { module: shared('repositories/asks'), name: 'storeAnswers', when: 'before' },
  'worker-after-answer': { module: shared('repositories/asks'), name: 'storeAnswers', when: 'after' },
  'worker-after-settle': { module: shared('settle/settle'), name: 'settleTogether', when: 'after' },
} as const satisfies Record<string, FailPointPlace>;

export type FailPoint = keyof typeof FAIL_POINTS;

/** What makes a process of a deployment end by SIGKILL when it first comes to the point with work in its hands. */
export function failingAt(point: FailPoint): NodeJS.ProcessEnv {
  const hook = path.join(__dirname, '..', 'dist', 'fail-point-hook.js');
  return { NODE_OPTIONS: `--require ${hook}`, HARNESS_FAIL_POINT: point };
}
