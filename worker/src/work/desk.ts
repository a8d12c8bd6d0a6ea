/**
 * The worker's desk: every row of every batch that this process leases, between planning, waiting for a provider, being
 * asked and being settled. It knows no rule of its own: `plan` decides, `ask` claims, `conduct-call` asks, `settle` ends.
 */
import type { AsyncFieldContract, FieldContract } from '@leadwell/providers/adapter';
import { atEndpoint, maxQuestionsPerCall, type Provider, type Waterfall } from '@leadwell/providers/provider';
import type { Ending } from '@leadwell/shared/domain/ending';
import type { Field } from '@leadwell/shared/domain/enrichment';
import { suppressionError } from '@leadwell/shared/domain/suppression';
import type { LookupAnswer } from '@leadwell/shared/repositories/asks';
import { findLookups, type Lookup, type LookupKey } from '@leadwell/shared/repositories/lookups';
import { createAnswerStore } from './answer-store';
import type { BatchRun } from './batch-run';
import { claimAsksOfCalls, type Ask, type AskResult, type RowAtTurn } from './ask';
import { combine } from './combine';
import { conductCall, type CallContext } from './conduct-call';
import { gather, type Gatherer } from './gather';
import { endTurn, planRow, type Plan, type RowBounds } from './plan';
import { PollDesk } from './poll-desk';
import type { Reservation } from '../limits/reservation';
import { ProviderPool } from './provider-pool';
import { SettleDesk } from './settle-desk';
import { Settler } from './settler';
import { readSpending } from './spending';
import type { WorkRow } from './work-row';

export interface DeskOptions extends Omit<CallContext, 'store'> {
  waterfall: Waterfall;
  leaseSeconds: number;
  timeoutMs: number;
  /** Organisations whose account a connection waits for at once. Defaults to 2. */
  accountsAwaitedAtMost?: number;
}

/** A row that another is asking for is looked at this often. */
const LOOK_AGAIN_MS = 1_000;
/** What was planned longer ago is planned again before it is asked: a hit may have come meanwhile. */
const PLAN_FRESH_MS = 1_000;
const RETRY_MS = 500;
/**
 * A claim is six round trips, for one call as for many. Where a provider answers at once, calls are booked again a few at a time. The
 * first after a pause is claimed at once; a call that is booked ahead has 40 ms for it at least.
 */
const CLAIM_EVERY_MS = 8;

export class Desk {
  private readonly planners: Record<Field, Gatherer<WorkRow>>;
  /** Calls that are granted together claim their questions together. */
  private readonly claims: Record<Field, (rows: RowAtTurn[]) => Promise<AskResult>>;
  /** …and look together at what was stored while they waited. */
  private readonly looks: Record<Field, (keys: LookupKey[]) => Promise<Map<string, Lookup>>>;
  private readonly context: CallContext;
  private readonly settler: Settler;
  private readonly pools = new Map<string, ProviderPool>();
  private readonly pollDesks = new Map<string, PollDesk>();
  private readonly settleDesks = new Map<BatchRun, SettleDesk>();
  private readonly awaited = new Map<string, Set<WorkRow>>();

  constructor(private readonly options: DeskOptions) {
    const planner = (field: Field): Gatherer<WorkRow> =>
      gather({ concurrency: 2, sizeAtMost: 500, flush: (rows) => this.plan(field, rows) });
    const claim = (field: Field): ((rows: RowAtTurn[]) => Promise<AskResult>) =>
      combine({
        concurrency: 2,
        sizeAtMost: 25,
        everyMs: CLAIM_EVERY_MS,
        run: (calls) => claimAsksOfCalls(options.knex, field, calls, options.leaseSeconds),
      });
    const moreMayCome = (): boolean => [...this.settleDesks.keys()].some((run) => run.isToBeAnswered);
    this.context = { ...options, store: createAnswerStore({ ...options, moreMayCome }) };
    this.settler = new Settler(options);
    const look = (field: Field): ((keys: LookupKey[]) => Promise<Map<string, Lookup>>) =>
      combine({
        concurrency: 2,
        sizeAtMost: 100,
        run: async (calls) => {
          const lookups = await findLookups(options.knex, field, calls.flat());
          return calls.map(() => lookups);
        },
      });
    this.looks = { emails: look('emails'), phones: look('phones') };
    this.claims = { emails: claim('emails'), phones: claim('phones') };
    this.planners = { emails: planner('emails'), phones: planner('phones') };
  }

  /** Works the rows of a batch until each has ended, or the batch is no longer ours to work. Without rows the batch is completed. */
  async work(run: BatchRun, rows: readonly WorkRow[]): Promise<void> {
    if (rows.length === 0) await this.settler.settle({ batch: run.batch, endings: [] });
    this.settleDesks.set(
      run,
      new SettleDesk(run, {
        settle: (settlement) => this.settler.settle(settlement),
        logger: this.options.logger,
        signal: this.options.hardSignal,
        planAgain: (row) => this.planLater(row),
      }),
    );
    run.start(rows);
    for (const row of rows) this.planLater(row);
    await run.done;
    this.settleDesks.delete(run);
    for (const desks of [this.pools, this.pollDesks]) {
      for (const key of desks.keys()) if (key.endsWith(` ${run.batch.id}`)) desks.delete(key);
    }
  }

  private planLater(row: WorkRow): void {
    row.run.move(row, 'moving');
    if (row.run.has(row)) this.planners[row.field].add(row);
  }

  private async plan(field: Field, offered: readonly WorkRow[]): Promise<void> {
    const rows = offered.filter((row) => row.run.has(row));
    const lookups = await this.readLookups(field, rows);
    if (!lookups) return;
    for (const row of rows) {
      row.plannedAtMs = Date.now();
      this.follow(row, planRow(row, lookups, this.boundsOf(field)));
    }
  }

  private boundsOf(field: Field): RowBounds {
    return { timeoutMs: this.options.timeoutMs, budget: this.options.waterfall.budgets[field] };
  }

  /** Null where the database is away: the rows are planned again in a moment, for as long as they are ours. */
  private async readLookups(field: Field, rows: readonly WorkRow[]): Promise<Map<string, Lookup> | null> {
    try {
      const { budget } = this.boundsOf(field);
      if (budget) await readSpending(this.options.knex, rows, budget);
      return await findLookups(
        this.options.knex,
        field,
        rows.flatMap((row) => row.turns.map((turn) => turn.key)),
      );
    } catch (error) {
      this.options.logger.warn(
        { err: error, rows: rows.length },
        'stored answers could not be read; trying again',
      );
      setTimeout(() => rows.forEach((row) => this.planLater(row)), RETRY_MS);
      return null;
    }
  }

  private follow(row: WorkRow, plan: Plan): void {
    if (plan.kind === 'settle') this.settle(row, plan.ending);
    else if (plan.kind === 'ask') this.poolOf(row, plan.turn.provider).add({ row, turn: plan.turn });
    else if (plan.kind === 'wait') this.await(row, plan.lookupId);
    else if (plan.inSeconds > 0) this.park(row, plan.inSeconds * 1000);
    else this.pollDeskOf(row, plan.turn.provider).add({ row, turn: plan.turn, lookupId: plan.lookupId });
  }

  /** Planned again at the poll, unless its batch was given back meanwhile: then whoever takes that polls. */
  private park(row: WorkRow, waitMs: number): void {
    row.run.park(row, waitMs);
    if (row.run.has(row)) setTimeout(() => this.planLater(row), waitMs);
    this.settleDesks.get(row.run)?.recheck();
  }

  private settle(row: WorkRow, ending: Ending): void {
    if (row.run.has(row)) this.settleDesks.get(row.run)?.add(row, ending);
  }

  /** Looked at once a second, and at once when the answer comes by this process. */
  private await(row: WorkRow, lookupId: string): void {
    const rows = this.awaited.get(lookupId) ?? new Set();
    this.awaited.set(lookupId, rows.add(row));
    setTimeout(() => this.wake(lookupId, [row]), LOOK_AGAIN_MS);
  }

  private wake(lookupId: string, rows: Iterable<WorkRow>): void {
    const awaiting = this.awaited.get(lookupId);
    for (const row of rows) if (awaiting?.delete(row)) this.planLater(row);
    if (awaiting?.size === 0) this.awaited.delete(lookupId);
  }

  private providerOf(field: Field, name: string): Provider {
    const { configured } = this.options.waterfall;
    return configured.find(({ name: own, adapter }) => own === name && adapter.fields[field]) as Provider;
  }

  private pollDeskOf(row: WorkRow, name: string): PollDesk {
    const key = this.poolKey(row, name);
    const account = this.providerOf(row.field, name);
    const contract = account.adapter.fields[row.field] as AsyncFieldContract;
    const provider = atEndpoint(account, contract.pollEndpoint ?? contract.endpoint);
    const planAgain = (again: WorkRow): void => this.planLater(again);
    const desk = this.pollDesks.get(key) ?? new PollDesk({ ...this.context, provider, contract, planAgain });
    this.pollDesks.set(key, desk);
    return desk;
  }

  /** A batch that came back from a dead worker has pools of its own. */
  private poolKey(row: WorkRow, name: string): string {
    return row.run.batch.alone ? `${row.field} ${name} ${row.run.batch.id}` : `${row.field} ${name}`;
  }

  private poolOf(row: WorkRow, name: string): ProviderPool {
    const key = this.poolKey(row, name);
    const known = this.pools.get(key);
    if (known) return known;
    const account = this.providerOf(row.field, name);
    const contract = account.adapter.fields[row.field] as FieldContract | AsyncFieldContract;
    const provider = atEndpoint(account, contract.endpoint);
    const runs = (): Iterable<BatchRun> => (row.run.batch.alone ? [row.run] : this.settleDesks.keys());
    const pool: ProviderPool = new ProviderPool({
      provider,
      maxQuestions: maxQuestionsPerCall(provider, row.field),
      limiter: this.options.limiter,
      signal: this.options.stopSignal,
      countElsewhere: () => countOpen(runs(), row.field) - pool.count,
      call: (rows, reservation) => this.ask(row.field, provider, contract, rows, reservation),
      passOver: (rows, because) => this.passOver(rows, because),
    });
    this.pools.set(key, pool);
    return pool;
  }

  private passOver(rows: readonly RowAtTurn[], because: string): void {
    for (const { row, turn } of rows) {
      endTurn(row, turn, { lookupId: null, outcome: 'skipped', error: because });
      this.planLater(row);
    }
  }

  /** One granted call: claims, asks, stores, and sends every row on. Never rejects. */
  private async ask(
    field: Field,
    provider: Provider,
    contract: FieldContract | AsyncFieldContract,
    offered: RowAtTurn[],
    reservation: Reservation,
  ): Promise<void> {
    // Those that nobody else has sent on yet: a row that is sent on twice would stand in two calls, or twice in one.
    const here = new Set(offered.map(({ row }) => row));
    for (const row of here) row.run.move(row, 'calling');
    try {
      const rows = await this.dropStalePlans(field, offered, here);
      const { asks, again, suppressed, gone } = await this.claims[field](rows);
      // A row of another call may share a question with one of these: it goes where the question goes.
      here.clear();
      for (const row of asks.flatMap((ask) => ask.rows)) here.add(row);
      for (const row of gone) this.leave(row);
      for (const row of again) this.planLater(row);
      for (const [row, isGlobal] of suppressed) this.settle(row, refusal(row, suppressionError(isGlobal)));
      if (asks.length === 0) return reservation.release();
      for (const ask of asks) for (const row of ask.rows) row.unwritten = [];
      this.sendOn(asks, await conductCall(this.context, provider, contract, asks, reservation));
    } catch (error) {
      this.options.logger.warn(
        { err: error, provider: provider.name, rows: offered.length },
        'a call could not be made; trying again',
      );
      reservation.release();
      setTimeout(() => here.forEach((row) => this.planLater(row)), RETRY_MS);
    }
  }

  /**
   * A row may have waited for its turn: what was answered meanwhile counts. Returns the rows that are still to ask; the
   * others are sent on, and no longer `here`.
   */
  private async dropStalePlans(
    field: Field,
    offered: readonly RowAtTurn[],
    here: Set<WorkRow>,
  ): Promise<RowAtTurn[]> {
    const stale = offered.filter(({ row }) => Date.now() - row.plannedAtMs > PLAN_FRESH_MS);
    if (stale.length === 0) return [...offered];
    const lookups = await this.looks[field](stale.flatMap(({ row }) => row.turns.map((turn) => turn.key)));
    for (const { row, turn } of stale) {
      const plan = planRow(row, lookups, this.boundsOf(field));
      if (plan.kind === 'ask' && plan.turn === turn) continue;
      here.delete(row);
      row.run.move(row, 'moving');
      if (row.run.has(row)) this.follow(row, plan);
    }
    return offered.filter(({ row }) => here.has(row));
  }

  private sendOn(asks: readonly Ask[], answers: readonly LookupAnswer[] | null): void {
    const byLookup = new Map((answers ?? []).map((answer) => [answer.lookupId, answer]));
    for (const ask of asks) {
      const answer = byLookup.get(ask.lookupId);
      for (const row of ask.rows) this.sendRowOn(row, ask, answer);
      this.wake(ask.lookupId, [...(this.awaited.get(ask.lookupId) ?? [])]);
    }
  }

  private sendRowOn(row: WorkRow, ask: Ask, answer: LookupAnswer | undefined): void {
    const turn = row.turns.find((candidate) => candidate.provider === ask.turn.provider);
    if (answer && turn) {
      turn.outcome = answer.state;
      turn.error = answer.error;
      row.spentMs += answer.durationMs;
    }
    if (answer?.state === 'hit') {
      this.settle(row, { enrichmentId: row.enrichmentId, found: true, lookupId: ask.lookupId, attempts: [] });
    } else {
      this.planLater(row);
      this.settleDesks.get(row.run)?.recheck();
    }
  }

  private leave(row: WorkRow): void {
    row.run.close(row);
    this.settleDesks.get(row.run)?.recheck();
  }
}

function refusal(row: WorkRow, error: string): Ending {
  const { enrichmentId, unwritten: attempts } = row;
  return { enrichmentId, found: false, status: 'failed', error, lookupId: null, attempts };
}

function countOpen(runs: Iterable<BatchRun>, field: Field): number {
  let count = 0;
  for (const run of runs) if (run.batch.field === field) count += run.movingCount;
  return count;
}
