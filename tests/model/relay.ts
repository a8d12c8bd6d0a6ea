/** The relay's step and the passing of time: the model's side. */
import { endRows, storedHits } from './endings';
import { pendingRowsOf, type Batch, type Ending, type Model, type Row } from './state';
import { turnsOf } from './world';
import { completeIfDone } from './work';

/** One look of the relay at every batch of an organisation. */
export function checkBatches(model: Model, org: number): void {
  const due = Object.values(model.batches).filter(
    (batch) =>
      batch.org === org && !batch.isComplete && (batch.isOverdue || batch.isQueued || !batch.isWaiting),
  );
  for (const batch of due) checkBatch(model, batch);
}

function checkBatch(model: Model, batch: Batch): void {
  const pending = pendingRowsOf(model, batch.name);
  if (batch.isOverdue) return endBatch(model, batch, pending, 'timeout');
  if (pending.length === 0)
    return void Object.assign(batch, { isComplete: true, isQueued: false, isLeased: false });
  if (batch.isLeased) return;
  if (batch.deliveries >= 3) return endBatch(model, batch, pending, 'failed');
  if (batch.deliveries === 2 && pending.length > 1) return split(model, batch, pending);
  if (batch.isWaiting) return;
  const job = model.jobs[`${batch.name} g${batch.generation}`];
  if (batch.isQueued && (job === 'waiting' || (job === 'active' && batch.isFresh))) return;
  Object.assign(batch, { generation: batch.generation + 1, isQueued: true, isFresh: true });
  model.jobs[`${batch.name} g${batch.generation}`] = 'waiting';
}

/** What a hit answers is found; the rest ends with `status`. A worker that still has the batch fails at its next step. */
function endBatch(model: Model, batch: Batch, pending: readonly Row[], status: 'timeout' | 'failed'): void {
  Object.assign(batch, { fence: batch.fence + 1, isLeased: false });
  endRows(
    model,
    pending.map((row) => [row.name, endingOf(model, row, status)]),
  );
  completeIfDone(model, batch.name);
}

function endingOf(model: Model, row: Row, status: 'timeout' | 'failed'): Ending {
  const own = turnsOf(row.lead, row.field).filter(
    ({ provider, lookup }) =>
      row.attempts[provider]?.outcome === 'hit' && model.lookups[lookup]?.state === 'hit',
  );
  const hits = [...new Set([...own.map(({ lookup }) => lookup), ...storedHits(model, row.lead, row.field)])];
  const attempts = hits.map((lookup) => ({
    provider: lookup.split(' ')[0]!,
    lookup,
    outcome: 'hit' as const,
  }));
  const [lookup = null] = hits;
  return lookup === null
    ? { status, found: false, isSuppressed: false, lookup, attempts: [] }
    : { status: 'finished', found: true, isSuppressed: false, lookup, attempts };
}

/** One poisonous lead fails alone: batches of one, that have been delivered as often. */
function split(model: Model, batch: Batch, pending: readonly Row[]): void {
  Object.assign(batch, { fence: batch.fence + 1, isLeased: false, isComplete: true, isQueued: false });
  for (const row of pending) {
    const name = `${row.name}!`;
    row.batch = name;
    model.batches[name] = {
      ...{ ...batch, name, generation: 0 },
      ...{ isComplete: false, isWaiting: false, isFresh: false },
    };
  }
}

export type Passing = 'leases' | 'asks' | 'results' | 'stalled jobs' | 'queue';

/** Time goes by, or the queue is lost. `leases`: they run out, waits are over, and what was raised was raised long ago. */
export function passTime(model: Model, what: Passing): void {
  if (what === 'leases')
    for (const batch of Object.values(model.batches))
      Object.assign(batch, { isLeased: false, isWaiting: false, isFresh: false });
  if (what === 'queue') model.jobs = {};
  if (what === 'stalled jobs') {
    const held = new Set(Object.values(model.holdings).map(({ job }) => job));
    for (const job of Object.keys(model.jobs)) if (!held.has(job)) model.jobs[job] = 'waiting';
  }
  for (const lookup of Object.values(model.lookups)) {
    if (what === 'asks' && lookup.state === 'asked') lookup.isFresh = false;
    if (what === 'results' && lookup.state !== 'asked') lookup.isFresh = false;
  }
}

export function passDeadline(model: Model, request: string): void {
  for (const batch of Object.values(model.batches)) if (batch.request === request) batch.isOverdue = true;
}
