/** Random sequences of what can be done. A command picks its target when it runs, from what there is then. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  acceptAct,
  answerAct,
  cancelAct,
  checkAct,
  creditsAct,
  deadlineAct,
  giveBackAct,
  killAct,
  leaseAct,
  passAct,
  quoteAct,
  renewAct,
  settleAct,
  suppressAct,
  workAct,
} from './acts';
import { passTime, type Passing } from './relay';
import type { Act, Session } from './session';
import type { Holding, Model, Order } from './state';
import type { Answer } from './work';
import { LEADS, ORGANISATIONS, knownBy } from './world';

/** What to do in the present state; null: nothing of the kind can be done. `tag` names what it makes. */
type Choose = (model: Model, tag: string) => Act | null;
type Command = fc.AsyncCommand<Session, Session>;
export type Sequence = Iterable<fc.AsyncCommand<Session, Session>>;

class Step implements Command {
  private label = 'nothing yet';

  constructor(private readonly chosen: readonly Choose[]) {}

  check(session: Readonly<Session>): boolean {
    return this.choose(session.model) !== null;
  }

  async run(session: Session): Promise<void> {
    const acts = this.choose(session.model)!;
    this.label = acts.map(({ label }) => label).join(' || ');
    await session.run(acts);
  }

  private choose(model: Model): Act[] | null {
    const acts = this.chosen.map((choose, index) => choose(model, `${model.steps}${'abc'[index]}`));
    const labels = new Set(acts.map((act) => act?.label));
    return acts.every((act) => act !== null) && labels.size === acts.length ? acts : null;
  }

  toString(): string {
    return `\n    ${this.label}`;
  }
}

/** What happens one after the other where single steps would seldom meet; what cannot be done is passed over. */
class Chain implements Command {
  private readonly labels: string[] = [];

  constructor(
    private readonly isPossible: (model: Model) => boolean,
    private readonly chosen: readonly Choose[],
  ) {}

  check(session: Readonly<Session>): boolean {
    return this.isPossible(session.model);
  }

  async run(session: Session): Promise<void> {
    for (const choose of this.chosen) {
      const act = choose(session.model, `${session.model.steps}a`);
      if (!act) continue;
      this.labels.push(act.label);
      await session.run([act]);
    }
  }

  toString(): string {
    return this.labels.map((label) => `\n    ${label}`).join(',');
  }
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list[at % Math.max(1, list.length)];
}

/** One of many by a number that stays good when there are fewer. */
const at = fc.nat(1_000);

const org = fc.constantFrom(...ORGANISATIONS);
const order: fc.Arbitrary<Order> = fc.record({
  org,
  field: fc.constantFrom('emails', 'emails', 'emails', 'emails', 'phones'),
  leads: fc.shuffledSubarray([...LEADS.keys()], { minLength: 1, maxLength: 5 }),
  retryOf: fc.constant(null),
  retryNotFound: fc.constantFrom(false, false, false, true),
  maxCredits: fc.constantFrom(null, null, null, null, 10),
  key: fc.constantFrom(null, null, 'k', 'l'),
});

const accepts = order.map(
  (one): Choose =>
    (_, tag) =>
      acceptAct(one, `r${tag}`),
);
const quotes = order.map(
  (one): Choose =>
    () =>
      quoteAct({ ...one, key: null }),
);
const repeats = at.map((n): Choose => (model, tag) => {
  const kept = pick(Object.values(model.keys), n);
  return kept ? acceptAct(kept.order, `r${tag}`) : null;
});
const retries = at.map((n): Choose => (model, tag) => {
  const request = pick(Object.values(model.requests), n);
  if (!request) return null;
  const terms = { leads: [], retryNotFound: false, maxCredits: null, key: null };
  return acceptAct({ org: request.org, field: request.field, retryOf: request.name, ...terms }, `r${tag}`);
});
const cancels = at.map((n): Choose => (model) => {
  const request = pick(Object.values(model.requests), n);
  return request ? cancelAct(request.org, request.name) : null;
});
const credits = fc.tuple(org, fc.constantFrom(5, 20, 50)).map(
  ([to, amount]): Choose =>
    () =>
      creditsAct(to, amount),
);
const suppressions = fc
  .tuple(
    fc.constantFrom(null, ...ORGANISATIONS),
    fc.constantFrom(...new Set([...LEADS.keys()].flatMap(knownBy))),
  )
  .map(
    ([to, question]): Choose =>
      (model) =>
        model.suppressed.includes(`${to ?? '*'} ${question}`) ? null : suppressAct(question, to),
  );
const checks = org.map(
  (of): Choose =>
    () =>
      checkAct(of),
);
/** Does something to one of those batches in workers' hands for which it is something. */
function toHolding(act: (holding: Holding, model: Model) => Act | null): fc.Arbitrary<Choose> {
  return at.map(
    (n) => (model) =>
      pick(
        Object.values(model.holdings).flatMap((holding) => act(holding, model) ?? []),
        n,
      ) ?? null,
  );
}

const gives = toHolding((holding) => giveBackAct(holding, holding.rows.length % 2 === 0));
const renews = toHolding(renewAct);
const kills = toHolding(killAct);
const cancelsOfHeld = toHolding((holding, model) => {
  const { org, request } = model.batches[holding.batch]!;
  return cancelAct(org, request);
});

/** A worker stands still, and another gets its batch: what the late one does later, it does without right. */
const lapses = at.map((n): Command => {
  let batch = '';
  const hasHoldings = ({ holdings }: Model): boolean => Object.keys(holdings).length > 0;
  return new Chain(hasHoldings, [
    (model) => {
      batch = pick(Object.values(model.holdings), n)!.batch;
      return passAct('leases');
    },
    (model) => checkAct(model.batches[batch]!.org),
    (model, tag) => {
      const job = Object.keys(model.jobs).find(
        (one) => one.startsWith(`${batch} g`) && model.jobs[one] === 'waiting',
      );
      return job === undefined ? null : leaseAct(job, `w${tag}`);
    },
  ]);
});

type Reply = Answer['outcome'] | 'none';
const REPLIES: readonly Reply[] = [
  ...(['hit', 'hit', 'hit', 'hit', 'miss', 'miss', 'miss', 'miss', 'miss', 'miss'] as const),
  ...(['failed', 'failed', 'none', 'none', 'restricted'] as const),
];
const reply = fc.constantFrom(...REPLIES);
/** Work goes on by one step of somebody: whatever is to be done next somewhere, late workers' steps too. */
const steps = fc.tuple(at, fc.array(reply, { minLength: 1, maxLength: 4 })).map(
  ([n, replies]): Choose =>
    (model, tag) =>
      pick(nextSteps(model, tag, replies), n) ?? wayOn(model),
);

/** Nothing is to be done by a worker: what brings it about. */
function wayOn(model: Model): Act | null {
  const open = Object.values(model.batches).find(({ isComplete }) => !isComplete);
  if (!open) return null;
  return open.isLeased || open.isWaiting ? passAct('leases') : checkAct(open.org);
}

const settles = toHolding(settleOrNot);

function nextSteps(model: Model, tag: string, replies: readonly Reply[]): Act[] {
  const waiting = Object.keys(model.jobs).filter((job) => model.jobs[job] === 'waiting');
  return [
    ...waiting.sort().map((job) => leaseAct(job, `w${tag}`)),
    ...Object.values(model.holdings).flatMap((holding) =>
      [workOrNot(holding), answerOrNot(holding, replies), settleOrNot(holding)].flatMap((act) => act ?? []),
    ),
  ];
}

function workOrNot(holding: Holding): Act | null {
  return holding.rows.some(({ asking, ending }) => !asking && !ending) ? workAct(holding) : null;
}

function settleOrNot(holding: Holding): Act | null {
  return holding.rows.some(({ ending }) => ending) ? settleAct(holding) : null;
}

function askedBy(holding: Holding): { lookup: string; ask: number }[] {
  const asks = new Map(holding.rows.flatMap(({ asking }) => (asking ? [[asking.lookup, asking]] : [])));
  return [...asks.values()].sort((a, b) => (a.lookup < b.lookup ? -1 : 1));
}

function answerOrNot(holding: Holding, replies: readonly Reply[]): Act | null {
  const told = askedBy(holding).flatMap(({ lookup, ask }, index): Answer[] => {
    const outcome = pick(replies, index)!;
    return outcome === 'none' ? [] : [{ lookup, ask, outcome }];
  });
  return told.length > 0 ? answerAct(holding, told) : null;
}

const passings = fc
  .constantFrom<Passing>('leases', 'leases', 'leases', 'asks', 'results', 'stalled jobs', 'queue')
  .map((what): Choose => (model) => {
    const after = structuredClone(model);
    passTime(after, what);
    return JSON.stringify(after) === JSON.stringify(model) ? null : passAct(what);
  });
const deadlines = at.map((n): Choose => (model) => {
  const request = pick(Object.values(model.requests), n);
  return request ? deadlineAct(request.name) : null;
});

const one = (choices: fc.Arbitrary<Choose>): fc.Arbitrary<Command> =>
  choices.map((choose) => new Step([choose]));
/** What may happen at the same time: each is one transaction under the lock of an account. */
const atOnce = fc.oneof(
  accepts,
  accepts,
  repeats,
  retries,
  cancels,
  cancelsOfHeld,
  settles,
  settles,
  settles,
);
const races = fc.array(atOnce, { minLength: 2, maxLength: 3 }).map((chosen): Command => new Step(chosen));

/** How often each kind comes up: work goes on far enough for its endings to meet what else can happen. */
const WEIGHTED: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [5, one(accepts)],
  [1, one(quotes)],
  [1, one(repeats)],
  [1, one(retries)],
  [1, one(cancels)],
  [1, one(credits)],
  [1, one(suppressions)],
  [2, one(checks)],
  [40, one(steps)],
  [4, lapses],
  [1, one(gives)],
  [1, one(renews)],
  [1, one(kills)],
  [7, one(passings)],
  [1, one(deadlines)],
  [8, races],
];

/** Sequences of up to `maxCommands`; many of them find nothing to do and are passed over. */
export function commandSequences(maxCommands: number): fc.Arbitrary<Sequence> {
  const weighted = WEIGHTED.flatMap(([weight, command]) => Array.from({ length: weight }, () => command));
  // The types of fc.commands want synchronous commands; asyncModelRun runs both kinds.
  return fc.commands(weighted as never, { maxCommands, size: 'max' });
}

/** Everybody dies, time passes, and work goes on as it does: in the end nothing pends. */
export async function drain(session: Session): Promise<void> {
  const run = async (acts: readonly Act[]): Promise<void> => {
    for (const act of acts) await session.runUnseen(act);
  };
  const holdings = (): Holding[] => Object.values(session.model.holdings);
  await run(holdings().map(killAct));
  for (let round = 0; round < 12 && isPending(session.model); round++) {
    await run([passAct('leases'), passAct('asks'), passAct('stalled jobs'), ...ORGANISATIONS.map(checkAct)]);
    // Batches that were split get their names when they are seen.
    await session.run([]);
    const { jobs } = session.model;
    const waiting = Object.keys(jobs).filter((job) => jobs[job] === 'waiting');
    await run(waiting.map((job, index) => leaseAct(job, `d${round}.${index}`)));
    for (let turn = 0; turn < 4; turn++) {
      await run(holdings().flatMap((holding) => workOrNot(holding) ?? []));
      await run(holdings().flatMap((holding) => answerOrNot(holding, ['miss']) ?? []));
      await run(holdings().flatMap((holding) => settleOrNot(holding) ?? []));
    }
  }
  await session.run([]);
  assert.ok(!isPending(session.model), 'something pends for ever');
}

function isPending(model: Model): boolean {
  return Object.values(model.rows).some(({ status }) => status === 'pending');
}
