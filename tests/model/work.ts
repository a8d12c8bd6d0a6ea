/** What a worker does with a batch, step by step: the model's side. */
import { endRows, isSuppressed, writeEnded } from './endings';
import { pendingRowsOf, type Ending, type Held, type Holding, type Lookup, type Model } from './state';
import { turnsOf } from './world';

/** Takes the lease of a job's batch as `name`. Gives the rows to work; null where the batch is not free. */
export function takeLease(model: Model, job: string, name: string): string[] | null {
  const batch = model.batches[job.split(' ')[0]!]!;
  const pending = pendingRowsOf(model, batch.name);
  const isRelays = batch.deliveries >= 3 || (batch.deliveries === 2 && pending.length > 1);
  model.jobs[job] = 'active';
  if (batch.isComplete || batch.isLeased || batch.isWaiting || isRelays) {
    delete model.jobs[job];
    return null;
  }
  Object.assign(batch, { fence: batch.fence + 1, deliveries: batch.deliveries + 1, isLeased: true });
  const rows = pending.map((row): Held => {
    const turns = turnsOf(row.lead, row.field);
    const outcomes = turns.map(({ provider }) => [provider, row.attempts[provider]?.outcome ?? null]);
    return {
      ...{ row: row.name, unwritten: [], asking: null, ending: null },
      outcomes: Object.fromEntries(outcomes) as Held['outcomes'],
    };
  });
  const holding: Holding = { name, batch: batch.name, fence: batch.fence, job, rows };
  model.holdings[name] = holding;
  if (rows.length === 0) settleRows(model, holding);
  return pending.map((row) => row.name).sort();
}

/** Plans every row that waits for nothing, and claims the questions that are to be asked. Gives where each row is then. */
export function workRows(model: Model, holding: Holding): string[] {
  const batch = model.batches[holding.batch]!;
  const offered: { held: Held; provider: string; question: string; lookup: string }[] = [];
  for (const held of holding.rows.filter(({ asking, ending }) => !asking && !ending)) {
    const next = planRow(model, held);
    if (typeof next === 'object' && 'status' in next) held.ending = next;
    else if (next !== 'wait') offered.push({ held, ...next });
  }
  const isOurs = ({ row: name }: Held): boolean =>
    model.rows[name]!.status === 'pending' &&
    model.rows[name]!.batch === batch.name &&
    batch.fence === holding.fence;
  holding.rows = holding.rows.filter((held) => !offered.some((one) => one.held === held) || isOurs(held));
  const ours = offered.filter(({ held }) => isOurs(held));
  for (const one of ours.filter(({ held }) => isRowSuppressed(model, held)))
    one.held.ending = { ...SUPPRESSED, attempts: one.held.unwritten };
  ask(
    model,
    ours.filter(({ held }) => held.ending === null),
  );
  closeIfEmpty(model, holding);
  return whereabouts(holding);
}

const SUPPRESSED = { status: 'failed', found: false, isSuppressed: true, lookup: null } as const;

function isRowSuppressed(model: Model, { row }: Held): boolean {
  const { org, lead } = model.rows[row]!;
  return isSuppressed(model, org, lead);
}

export function whereabouts(holding: Holding): string[] {
  return holding.rows
    .map(({ row, asking, ending }) => {
      if (asking) return `${row} asks ${asking.lookup} ${asking.ask}`;
      return ending ? `${row} ends ${ending.status} ${ending.found}` : `${row} waits`;
    })
    .sort();
}

type Next = Ending | 'wait' | { provider: string; question: string; lookup: string };

/** The rules of the waterfall: a fresh hit of any provider first, then the providers in turn. */
function planRow(model: Model, held: Held): Next {
  const row = model.rows[held.row]!;
  const turns = turnsOf(row.lead, row.field);
  const hits = turns
    .filter(({ provider, lookup }) => {
      const known = model.lookups[lookup];
      return known?.state === 'hit' && (known.isFresh || held.outcomes[provider] === 'hit');
    })
    .sort((a, b) => model.lookups[a.lookup]!.answeredAt - model.lookups[b.lookup]!.answeredAt);
  if (hits.length > 0) return foundBy(held, hits);
  if (turns.some(({ provider }) => held.outcomes[provider] === 'restricted')) return ended(held, 'failed');
  for (const turn of turns) {
    const outcome = held.outcomes[turn.provider];
    if (outcome && outcome !== 'hit') continue;
    const known = model.lookups[turn.lookup];
    const state = known?.isFresh ? known.state : 'absent';
    if (state === 'asked') return 'wait';
    if (state === 'restricted') {
      pass(held, turn.provider, turn.lookup, 'restricted');
      return ended(held, 'failed');
    }
    if (state === 'failed') pass(held, turn.provider, null, 'skipped');
    else if (state === 'miss' && !(row.retryNotFound && known!.answeredAt < row.acceptedAt))
      pass(held, turn.provider, turn.lookup, 'miss');
    else return turn;
  }
  const saidNo = turns.length > 0 && turns.every(({ provider }) => held.outcomes[provider] === 'miss');
  return ended(held, saidNo ? 'finished' : 'failed');
}

function pass(
  held: Held,
  provider: string,
  lookup: string | null,
  outcome: 'miss' | 'restricted' | 'skipped',
) {
  held.outcomes[provider] = outcome;
  held.unwritten.push({ provider, lookup, outcome });
}

function foundBy(held: Held, hits: readonly { provider: string; lookup: string }[]): Ending {
  const passed = held.unwritten.filter(({ provider }) => !hits.some((hit) => hit.provider === provider));
  const used = hits.map(({ provider, lookup }) => ({ provider, lookup, outcome: 'hit' as const }));
  const attempts = [...passed, ...used];
  return { status: 'finished', found: true, isSuppressed: false, lookup: hits[0]!.lookup, attempts };
}

function ended(held: Held, status: 'finished' | 'failed'): Ending {
  return { status, found: false, isSuppressed: false, lookup: null, attempts: held.unwritten };
}

/** One question of each kind is asked, and its answer serves every row that has it. */
function ask(model: Model, rows: readonly { held: Held; provider: string; lookup: string }[]): void {
  for (const lookup of new Set(rows.map((one) => one.lookup))) {
    const group = rows.filter((one) => one.lookup === lookup);
    const claimed = claim(model, lookup, group);
    if (!claimed || claimed.state === 'failed') continue;
    for (const { held, provider } of group) {
      const row = model.rows[held.row]!;
      if (!row.attempts[provider] || row.attempts[provider].outcome === null)
        row.attempts[provider] = { outcome: null, lookup, ask: claimed.ask };
      writeEnded(row, held.unwritten);
      held.unwritten = [];
      held.asking = { provider, lookup, ask: claimed.ask };
    }
  }
}

/** Null: another is asking, or the answer is there. Asked and lost three times, it fails. */
function claim(model: Model, lookup: string, group: readonly { held: Held }[]): Lookup | null {
  const known = model.lookups[lookup];
  if (!known)
    return (model.lookups[lookup] = { state: 'asked', ask: 1, repeats: 0, isFresh: true, answeredAt: 0 });
  const again = group.map(({ held }) => model.rows[held.row]!).filter(({ retryNotFound }) => retryNotFound);
  const before = Math.max(...again.map(({ acceptedAt }) => acceptedAt));
  if (known.isFresh && !(known.state === 'miss' && known.answeredAt < before)) return null;
  const isRepeat = known.state === 'asked';
  known.state = isRepeat && known.repeats >= 2 ? 'failed' : 'asked';
  known.repeats = isRepeat ? known.repeats + 1 : 0;
  known.ask++;
  known.isFresh = true;
  return known;
}

export interface Answer {
  lookup: string;
  ask: number;
  outcome: Exclude<Lookup['state'], 'asked'>;
}

/** Stores answers, and sends on the rows of this holding that waited for them. */
export function answerRows(model: Model, holding: Holding, answers: readonly Answer[]): void {
  // Read before any of them is written.
  const globals = [...model.suppressed];
  for (const answer of answers) store(model, answer, globals);
  for (const held of holding.rows) {
    const answer = answers.find(({ lookup }) => lookup === held.asking?.lookup);
    if (!answer || !held.asking) continue;
    held.outcomes[held.asking.provider] = answer.outcome;
    held.asking = null;
    if (answer.outcome === 'hit')
      held.ending = {
        status: 'finished',
        found: true,
        isSuppressed: false,
        lookup: answer.lookup,
        attempts: [],
      };
  }
}

function store(model: Model, answer: Answer, globals: readonly string[]): void {
  const question = answer.lookup.split(' ')[2]!;
  const isRefused = answer.outcome === 'hit' && globals.includes(`* ${question}`);
  const outcome = isRefused ? 'restricted' : answer.outcome;
  if (answer.outcome === 'restricted') model.suppressed.push(`* ${question}`);
  const known = model.lookups[answer.lookup]!;
  const isMine = known.state === 'asked' && known.ask === answer.ask;
  const isStored =
    answer.outcome === 'hit'
      ? !['hit', 'restricted'].includes(known.state) || !known.isFresh
      : answer.outcome === 'failed'
        ? isMine
        : known.state === 'asked';
  if (isStored) Object.assign(known, { state: outcome, isFresh: true, answeredAt: ++model.clock });
  for (const row of Object.values(model.rows))
    for (const attempt of Object.values(row.attempts))
      if (attempt.lookup === answer.lookup && attempt.ask === answer.ask) attempt.outcome ??= outcome;
}

/** Settles what has an ending. False: another has the batch, and nothing but its calls under way is this worker's any more. */
export function settleRows(model: Model, holding: Holding): string[] | false {
  const batch = model.batches[holding.batch]!;
  const ending = holding.rows.filter((held) => held.ending !== null);
  if (batch.fence !== holding.fence || batch.isComplete) {
    holding.rows = holding.rows.filter(({ asking }) => asking !== null);
    closeIfEmpty(model, holding);
    return false;
  }
  const before = ending.filter(({ row }) => model.rows[row]!.status === 'pending');
  const withoutHit = endRows(
    model,
    ending.map(({ row, ending: one }) => [row, one!]),
  );
  completeIfDone(model, holding.batch);
  for (const held of ending.filter(({ row }) => withoutHit.includes(row))) held.ending = null;
  holding.rows = holding.rows.filter(
    (held) => held.asking !== null || (held.ending === null && !batch.isComplete),
  );
  closeIfEmpty(model, holding);
  return before
    .filter(({ row }) => model.rows[row]!.status !== 'pending')
    .map(({ row }) => row)
    .sort();
}

export function completeIfDone(model: Model, name: string): void {
  const batch = model.batches[name]!;
  batch.deliveries = 0;
  if (pendingRowsOf(model, name).length > 0) return;
  Object.assign(batch, { isComplete: true, isLeased: false, isQueued: false });
}

/** A job ends when nothing of its batch is left to do in this worker. */
function closeIfEmpty(model: Model, holding: Holding): void {
  if (holding.rows.length > 0) return;
  delete model.holdings[holding.name];
  delete model.jobs[holding.job];
}

/** Gives the batch back on purpose, which is no delivery. */
export function giveBack(model: Model, holding: Holding, isToWait: boolean): void {
  const batch = model.batches[holding.batch]!;
  delete model.holdings[holding.name];
  delete model.jobs[holding.job];
  if (batch.fence !== holding.fence || batch.isComplete) return;
  const deliveries = Math.max(batch.deliveries - 1, 0);
  Object.assign(batch, { isLeased: false, isQueued: false, deliveries, isWaiting: isToWait });
}

/** Renews the lease and the questions under way. False: another has the batch; what is not being asked is dropped. */
export function renew(model: Model, holding: Holding): boolean {
  for (const { asking } of holding.rows) {
    const known = asking && model.lookups[asking.lookup];
    if (known && known.state === 'asked' && known.ask === asking.ask) known.isFresh = true;
  }
  const batch = model.batches[holding.batch]!;
  if (batch.fence === holding.fence && !batch.isComplete) return (batch.isLeased = true);
  holding.rows = holding.rows.filter(({ asking, ending }) => asking !== null || ending !== null);
  closeIfEmpty(model, holding);
  return false;
}
