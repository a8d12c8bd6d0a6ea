import type { BatchState } from '../repositories/batch-states';
import { explainBatch, inWords, type AskedJobState } from './explain-batch';

const BATCH: BatchState = {
  id: 'b',
  requestId: 'r',
  orgId: 'o',
  field: 'emails',
  state: 'queued',
  pendingCount: 10,
  size: 10,
  generation: 1,
  deliveries: 0,
  leasedBy: null,
  createdAt: new Date(),
  nextCheckAt: new Date(),
  deadlineAt: new Date(),
  completedAt: null,
  ageSeconds: 5,
  nextCheckSeconds: 2,
  leaseSeconds: null,
  waitSeconds: null,
  quiet: true,
  queuedBeside: 0,
  asking: null,
};
const explain = (change: Partial<BatchState>, job: AskedJobState = 'unasked') => {
  const { state, why } = explainBatch({ ...BATCH, ...change }, job, 16);
  return `${state}: ${why}`;
};

it('calls an active job that nobody works a ghost, but not while a worker may be taking it', () => {
  expect(explain({}, 'active')).toMatch(/^ghost: .*nobody works it; the relay makes it a new job in 2 s/);
  expect(explain({ quiet: false }, 'active')).toMatch(/^queued: /);
});

it.each([
  ['unknown', /^due: The queue has no job of it/],
  ['completed', /^due: The queue has no job of it/],
  ['prioritized', /^queued: Its job waits/],
  ['unreachable', /^queued: .*cannot be asked/],
] as const)('says what a job that is %s means for its batch', (job, words) => {
  expect(explain({}, job)).toMatch(words);
});

it.each([
  [{ deliveries: 2 }, /^due: 2 workers died with it; the relay splits/],
  [{ deliveries: 2, pendingCount: 1 }, /^due: 2 workers died with it; it is tried once more, alone/],
  [{ deliveries: 3 }, /^due: 3 workers died with it; the relay ends it as failed/],
  [{ pendingCount: 0 }, /^due: No row is pending; the relay completes it/],
])('says what the relay does before it asks the queue: %j', (change, words) => {
  expect(explain(change, 'prioritized')).toMatch(words);
});

it('says that a batch waits for its organisation’s turn, or for a relay that does not come', () => {
  expect(explain({ state: 'due', queuedBeside: 16 })).toMatch(/as many as it may; this one follows/);
  expect(explain({ state: 'due', nextCheckSeconds: -40 })).toMatch(/looked 40 s ago: no worker seems to run/);
});

it.each([
  [0.4, '0 s'],
  [89, '89 s'],
  [600, '10 min'],
  [12_600, '3.5 h'],
  [864_000, '10 days'],
])('writes %d seconds as %s', (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});
