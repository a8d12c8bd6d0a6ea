/**
 * Polls what providers have taken and answer later. Whoever waits for a question may poll it: moving its `poll_at` is the
 * claim. Questions of one job, of all batches of this process, are polled together.
 */
import {
  jobOf,
  type AsyncFieldContract,
  type CallResult,
  type PollResult,
} from '@leadwell/providers/adapter';
import type { Provider } from '@leadwell/providers/provider';
import type { LookupAnswer } from '@leadwell/shared/repositories/asks';
import { claimPolls, postponePolls, type ClaimedPoll } from '@leadwell/shared/repositories/polls';
import { answersOf } from './answers';
import type { Ask, RowAtTurn } from './ask';
import { clampPollSeconds, type CallContext } from './conduct-call';
import { gather, type Gatherer } from './gather';
import type { WorkRow } from './work-row';

const RETRY_MS = 500;

export interface PollDeskOptions extends CallContext {
  provider: Provider;
  contract: AsyncFieldContract;
  planAgain: (row: WorkRow) => void;
}

/** A question that is waited for here, claimed to be polled. */
interface Polled extends Ask {
  externalId: string;
  askedSecondsAgo: number;
}

/** One a provider and field. */
export class PollDesk {
  private readonly due: Gatherer<RowAtTurn & { lookupId: string }>;

  constructor(private readonly options: PollDeskOptions) {
    this.due = gather({ concurrency: 4, sizeAtMost: 500, flush: (entries) => this.poll(entries) });
  }

  /** A row whose question is due to be polled. It is planned again when there is an answer, or another poll to wait for. */
  add(entry: RowAtTurn & { lookupId: string }): void {
    this.due.add(entry);
  }

  /** Never rejects. */
  private async poll(offered: readonly (RowAtTurn & { lookupId: string })[]): Promise<void> {
    const entries = offered.filter(({ row }) => row.run.has(row));
    for (const { row } of entries) row.run.move(row, 'calling');
    try {
      const { knex, contract } = this.options;
      const ids = [...new Set(entries.map(({ lookupId }) => lookupId))];
      const claimed = ids.length > 0 ? await claimPolls(knex, ids, contract.pollSeconds) : [];
      const jobs = groupByJob(claimed, entries);
      await Promise.all([...jobs].map(([jobId, polled]) => this.pollJob(jobId, polled)));
      for (const { row } of entries) this.options.planAgain(row);
    } catch (error) {
      this.options.logger.warn(
        { err: error, rows: entries.length },
        'a poll could not be made; trying again',
      );
      setTimeout(() => entries.forEach(({ row }) => this.options.planAgain(row)), RETRY_MS);
    }
  }

  private async pollJob(jobId: string, polled: readonly Polled[]): Promise<void> {
    const result = await this.call(jobId, polled);
    if (result === null) return;
    if (result.kind === 'answers' || result.kind === 'bad_input') return this.store(polled, result);
    const { giveUpSeconds } = this.options.provider;
    const given = polled.filter(({ askedSecondsAgo }) => askedSecondsAgo >= giveUpSeconds);
    if (given.length > 0) await this.store(given, failureOf(result, giveUpSeconds));
    const wanted = 'retryAfterSeconds' in result ? result.retryAfterSeconds : null;
    if (wanted === null) return;
    await postponePolls(
      this.options.knex,
      polled.map(({ lookupId }) => lookupId),
      clampPollSeconds(wanted),
    );
  }

  /** Null: the process stops. */
  private async call(jobId: string, polled: readonly Polled[]): Promise<PollResult | null> {
    const { provider, contract, limiter, caller, stopSignal, hardSignal } = this.options;
    const reservation = await limiter.reserve(provider, 1, stopSignal);
    if (!reservation.granted) {
      if (reservation.reason === 'aborted') return null;
      return { kind: 'transient', retryAfterSeconds: null, reason: reservation.message };
    }
    const questions = polled.map(({ lookupId, turn, externalId }) => {
      return { id: lookupId, question: turn.question, externalId };
    });
    const exchange = {
      build: (key: string) => contract.buildPoll(jobId, key),
      read: (response: Parameters<AsyncFieldContract['readPoll']>[0]) =>
        contract.readPoll(response, questions),
    };
    return caller.call(provider, exchange, reservation, hardSignal);
  }

  /** The provider's time is what passed since the submission. */
  private async store(polled: readonly Polled[], result: CallResult): Promise<void> {
    const { resultSeconds } = this.options;
    const answers = polled.flatMap((one): LookupAnswer[] => {
      const durationMs = one.askedSecondsAgo * 1000;
      for (const row of one.rows) row.spentMs += durationMs;
      return answersOf([one], result, { resultSeconds, durationMs });
    });
    for (const { rows } of polled) for (const row of rows) row.run.move(row, 'storing');
    await this.options.store(answers);
  }
}

function failureOf(result: Exclude<PollResult, { kind: 'answers' }>, giveUpSeconds: number): CallResult {
  const reason = result.kind === 'pending' ? 'not ready' : result.reason;
  return {
    kind: 'transient',
    retryAfterSeconds: null,
    reason: `no answer ${giveUpSeconds} s after it was submitted (${reason})`,
  };
}

function groupByJob(
  claimed: readonly ClaimedPoll[],
  entries: readonly (RowAtTurn & { lookupId: string })[],
): Map<string, Polled[]> {
  const jobs = new Map<string, Polled[]>();
  for (const poll of claimed) {
    const waiting = entries.filter(({ lookupId }) => lookupId === poll.lookupId);
    const [first] = waiting;
    if (!first) continue;
    const job = jobOf(poll.externalId);
    const polled = { ...poll, turn: first.turn, rows: waiting.map(({ row }) => row) };
    jobs.set(job, [...(jobs.get(job) ?? []), polled]);
  }
  return jobs;
}
