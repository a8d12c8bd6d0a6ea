/** A worker's memory, moved by hand: the steps of the desk in any order, with the worker's own rules and statements. */
import { claimAsks, type Ask, type RowAtTurn } from '@leadwell/worker/work/ask';
import { BatchRun } from '@leadwell/worker/work/batch-run';
import { loadRows } from '@leadwell/worker/work/load-rows';
import { createRowReader } from '@leadwell/worker/work/stored-rows';
import { planRow } from '@leadwell/worker/work/plan';
import type { WorkRow } from '@leadwell/worker/work/work-row';
import type { Knex } from '@leadwell/shared/db/database';
import type { Ending } from '@leadwell/shared/domain/ending';
import { suppressionError } from '@leadwell/shared/domain/suppression';
import { renewAsks, storeAnswers, type LookupAnswer } from '@leadwell/shared/repositories/asks';
import { claimLease, giveBackLease, renewLeases, type Lease } from '@leadwell/shared/repositories/leases';
import { findLookups } from '@leadwell/shared/repositories/lookups';
import { settle } from '@leadwell/shared/settle/settle';
import type { Answer } from './work';
import { WATERFALL } from './world';

const LEASE_SECONDS = 300;
const BOUNDS = { timeoutMs: 800_000, budget: null };

interface HeldRow {
  row: WorkRow;
  asking: Ask | null;
  ending: Ending | null;
}

interface Holding {
  lease: Lease;
  jobId: string;
  rows: HeldRow[];
}

export class Worker {
  private readonly holdings = new Map<string, Holding>();
  private endedJobs: string[] = [];
  /** When the last answer was stored, by the clock that PostgreSQL has too. */
  answeredAtMs = 0;

  constructor(
    private readonly knex: Knex,
    /** Of the questions, by the model's names. */
    private readonly hashes: ReadonlyMap<string, Buffer>,
  ) {}

  /** The ids of the rows to work; null where the batch is not free. */
  async lease(batchId: string, name: string, jobId: string): Promise<string[] | null> {
    const options = { batchId, leaseSeconds: LEASE_SECONDS, workerName: name, alsoReturned: true };
    const lease = await claimLease(this.knex, options);
    if (!lease) {
      this.endedJobs.push(jobId);
      return null;
    }
    const run = new BatchRun({ ...lease, alone: false });
    const stored = await createRowReader(this.knex)(lease);
    const rows = loadRows({ waterfall: WATERFALL, shareResults: true }, run, lease, stored);
    if (rows.length === 0) await settle(this.knex, lease, []);
    this.holdings.set(name, { lease, jobId, rows: rows.map((row) => ({ row, asking: null, ending: null })) });
    return rows.map(({ enrichmentId }) => enrichmentId);
  }

  async work(name: string): Promise<void> {
    const holding = this.holdings.get(name)!;
    const { field } = holding.lease;
    const idle = holding.rows.filter(({ asking, ending }) => !asking && !ending);
    const keys = idle.flatMap(({ row }) => row.turns.map((turn) => turn.key));
    const lookups = await findLookups(this.knex, field, keys);
    const offered: RowAtTurn[] = [];
    for (const held of idle) {
      const plan = planRow(held.row, lookups, BOUNDS);
      if (plan.kind === 'settle') held.ending = plan.ending;
      else if (plan.kind === 'ask') offered.push({ row: held.row, turn: plan.turn });
    }
    const { asks, suppressed, gone } = await claimAsks(this.knex, field, offered, LEASE_SECONDS);
    const of = (row: WorkRow): HeldRow => holding.rows.find((held) => held.row === row)!;
    for (const [row, isGlobal] of suppressed) of(row).ending = refusal(row, suppressionError(isGlobal));
    for (const ask of asks) {
      for (const row of ask.rows) {
        row.unwritten = [];
        of(row).asking = ask;
      }
    }
    holding.rows = holding.rows.filter(({ row }) => !gone.includes(row));
  }

  /** Where each row is, by the enrichment's id. */
  whereabouts(name: string): { id: string; where: string }[] {
    const { rows } = this.holdings.get(name)!;
    return rows.map(({ row, asking, ending }) => ({
      id: row.enrichmentId,
      where: asking ? `asks ${this.lookupOf(row, asking)} ${asking.ask}` : ending ? endText(ending) : 'waits',
    }));
  }

  private lookupOf({ field }: WorkRow, { turn: { key } }: Ask): string {
    const [question] = [...this.hashes].find(([, hash]) => hash.equals(key.inputHash))!;
    return `${key.provider} ${field} ${question}`;
  }

  /** The jobs whose work returned since this was asked. */
  takeEndedJobs(): string[] {
    const ended = this.endedJobs;
    this.endedJobs = [];
    for (const [name, { rows, jobId }] of this.holdings) {
      if (rows.length > 0) continue;
      ended.push(jobId);
      this.holdings.delete(name);
    }
    return ended;
  }

  /** The jobs that a living worker has. */
  heldJobs(): ReadonlySet<string> {
    return new Set([...this.holdings.values()].map(({ jobId }) => jobId));
  }

  async answer(name: string, answers: readonly Answer[]): Promise<void> {
    const holding = this.holdings.get(name)!;
    const asks = new Set(holding.rows.flatMap(({ asking }) => asking ?? []));
    const told = [...asks].flatMap((ask) => {
      const answer = answers.find(({ lookup }) => this.isAbout(lookup, ask));
      return answer ? [{ ask, answer: answerOf(ask, answer, holding.lease.field) }] : [];
    });
    await storeAnswers(
      this.knex,
      told.map(({ answer }) => answer),
    );
    this.answeredAtMs = Date.now();
    for (const held of holding.rows) {
      const one = told.find(({ ask }) => ask === held.asking);
      if (one) take(held, one.ask, one.answer);
    }
  }

  private isAbout(lookup: string, { turn }: Ask): boolean {
    const [provider, , question = ''] = lookup.split(' ');
    return provider === turn.key.provider && this.hashes.get(question)!.equals(turn.key.inputHash);
  }

  /** The ids of the rows that it ended; false where another has the batch. */
  async settle(name: string): Promise<string[] | false> {
    const holding = this.holdings.get(name)!;
    const endings = holding.rows.flatMap(({ ending }) => ending ?? []);
    const result = await settle(this.knex, holding.lease, endings);
    if (result.stale) {
      holding.rows = holding.rows.filter(({ asking }) => asking !== null);
      return false;
    }
    for (const held of holding.rows) if (result.withoutHit.has(held.row.enrichmentId)) held.ending = null;
    holding.rows = holding.rows.filter(
      ({ asking, ending }) => asking !== null || (ending === null && !result.batchCompleted),
    );
    return [...result.ended];
  }

  async giveBack(name: string, waitSeconds: number): Promise<void> {
    const { lease, jobId } = this.holdings.get(name)!;
    await giveBackLease(this.knex, lease, waitSeconds);
    this.holdings.delete(name);
    this.endedJobs.push(jobId);
  }

  /** False where another has the batch. */
  async renew(name: string): Promise<boolean> {
    const holding = this.holdings.get(name)!;
    const ours = await renewLeases(this.knex, [holding.lease], LEASE_SECONDS);
    const asks = new Set(holding.rows.flatMap(({ asking }) => asking ?? []));
    await renewAsks(this.knex, [...asks], LEASE_SECONDS);
    if (ours.has(holding.lease.id)) return true;
    holding.rows = holding.rows.filter(({ asking, ending }) => asking !== null || ending !== null);
    return false;
  }

  /** Nothing is told to anybody. */
  kill(name: string): void {
    this.holdings.delete(name);
  }
}

function endText(ending: Ending): string {
  return `ends ${ending.found ? 'finished' : ending.status} ${ending.found}`;
}

function refusal(row: WorkRow, error: string): Ending {
  const { enrichmentId, unwritten: attempts } = row;
  return { enrichmentId, found: false, status: 'failed', error, lookupId: null, attempts };
}

function take(held: HeldRow, ask: Ask, answer: LookupAnswer): void {
  const turn = held.row.turns.find(({ provider }) => provider === ask.turn.provider)!;
  turn.outcome = answer.state;
  turn.error = answer.error;
  held.asking = null;
  if (answer.state === 'hit')
    held.ending = { enrichmentId: held.row.enrichmentId, found: true, lookupId: ask.lookupId, attempts: [] };
}

function answerOf(ask: Ask, { outcome }: Answer, field: Lease['field']): LookupAnswer {
  const kind = field === 'emails' ? ('email' as const) : ('phone' as const);
  const value = kind === 'email' ? `${ask.lookupId}@found.example` : '+4930123456';
  const candidate = {
    kind,
    value,
    verdict: 'deliverable' as const,
    confidence: 0.9,
    lineType: null,
    flags: [],
  };
  return {
    ...{ lookupId: ask.lookupId, ask: ask.ask, state: outcome, error: outcome === 'hit' ? null : outcome },
    candidates: outcome === 'hit' ? [candidate] : null,
    ...{ freshSeconds: 3_600, durationMs: 1, costCredits: 1, statedCredits: null },
  };
}
