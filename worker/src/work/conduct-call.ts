import {
  isAsync,
  type AskedQuestion,
  type AsyncFieldContract,
  type CallResult,
  type FieldContract,
  type SubmitResult,
} from '@leadwell/providers/adapter';
import type { Provider } from '@leadwell/providers/provider';
import type { Logger } from 'pino';
import type { Knex } from '@leadwell/shared/db/database';
import { releaseAsks, type LookupAnswer } from '@leadwell/shared/repositories/asks';
import { storeSubmissions } from '@leadwell/shared/repositories/polls';
import type { Caller, Exchange } from '../calls/caller';
import type { Limiter, Reservation } from '../limits/reservation';
import { untilStored, type AnswerStore } from './answer-store';
import { answersOf, shareStated } from './answers';
import type { Ask } from './ask';
import type { LeaseKeeper } from './lease-keeper';

export interface CallContext {
  knex: Knex;
  logger: Logger;
  limiter: Limiter;
  caller: Caller;
  keeper: LeaseKeeper;
  store: AnswerStore;
  resultSeconds: number;
  /** No new call after this. */
  stopSignal: AbortSignal;
  /** The process is being ended hard. */
  hardSignal: AbortSignal;
}

/**
 * Asks claimed questions and stores the answers; a question that its provider answers later gets its external id stored
 * instead, and no answer. Null where nothing was answered because the process stops, or because the call is larger than what
 * the provider now allows: the questions were taken back. A paid answer is stored before this returns, however long the database is away.
 */
export async function conductCall(
  context: CallContext,
  provider: Provider,
  contract: FieldContract | AsyncFieldContract,
  asks: readonly Ask[],
  reservation: Reservation,
): Promise<LookupAnswer[] | null> {
  context.keeper.holdAsks(asks);
  try {
    const called = await callWithinLimits(context, provider, contract, asks, reservation);
    if (called === null) {
      await takeBack(context, asks);
      return null;
    }
    for (const { rows } of asks) for (const row of rows) row.run.move(row, 'storing');
    await context.store(called);
    return called;
  } finally {
    context.keeper.dropAsks(asks);
  }
}

/** Calls until the provider gives an answer that is no request to wait; waiting takes no time off the lead. */
async function callWithinLimits(
  context: CallContext,
  provider: Provider,
  contract: FieldContract | AsyncFieldContract,
  asks: readonly Ask[],
  first: Reservation,
): Promise<LookupAnswer[] | null> {
  const questions = asks.map((ask) => ({ id: ask.lookupId, question: ask.turn.question }));
  const waitUntilMs = Date.now() + provider.maxWaitSeconds * 1000;
  let reservation = first;
  for (;;) {
    const { durationMs, ...result } = await context.caller.call(
      provider,
      exchangeOf(contract, questions),
      leavingBefore(context.stopSignal, reservation),
      context.hardSignal,
    );
    if (result.kind === 'submitted') {
      return keepSubmission(context, contract as AsyncFieldContract, asks, { ...result, durationMs });
    }
    // Nothing was sent, and nothing will be: the questions are as they were.
    if (durationMs === 0 && context.stopSignal.aborted) return null;
    const options = { resultSeconds: context.resultSeconds, durationMs };
    const answers = shareStated(answersOf(asks, result, options), result);
    if (result.kind === 'bad_input' && asks.length > 1) return askInHalves(context, provider, contract, asks);
    if (result.kind !== 'rate') return answers;
    if (Date.now() + (result.retryAfterSeconds ?? 1) * 1000 > waitUntilMs) return answers;
    const next = await context.limiter.reserve(provider, asks.length, context.stopSignal);
    // The provider has told a smaller limit than this call: its questions go into smaller ones.
    const isTooLarge = asks.length > context.limiter.recordsAtMost(provider);
    if (!next.granted) return next.reason === 'aborted' || isTooLarge ? null : answers;
    reservation = next;
  }
}

/** A call that has left runs to its end; one that still waits for its time to leave, a minute perhaps, does not hold up a stop. */
function leavingBefore(stopSignal: AbortSignal, reservation: Reservation): Reservation {
  return {
    granted: true,
    sent: () => reservation.sent(),
    heard: (headers) => reservation.heard(headers),
    release: () => reservation.release(),
    async depart(signal) {
      const either = new AbortController();
      const abort = (): void => either.abort();
      const signals = [signal, stopSignal];
      if (signals.some((one) => one.aborted)) abort();
      for (const one of signals) one.addEventListener('abort', abort, { once: true });
      try {
        return await reservation.depart(either.signal);
      } finally {
        for (const one of signals) one.removeEventListener('abort', abort);
      }
    },
  };
}

/** One malformed question must not fail its neighbours. */
async function askInHalves(
  context: CallContext,
  provider: Provider,
  contract: FieldContract | AsyncFieldContract,
  asks: readonly Ask[],
): Promise<LookupAnswer[] | null> {
  const middle = Math.ceil(asks.length / 2);
  const answers: LookupAnswer[] = [];
  for (const half of [asks.slice(0, middle), asks.slice(middle)]) {
    const reservation = await context.limiter.reserve(provider, half.length, context.stopSignal);
    if (!reservation.granted) {
      await takeBack(context, half);
      continue;
    }
    const answered = await callWithinLimits(context, provider, contract, half, reservation);
    if (answered === null) await takeBack(context, half);
    else answers.push(...answered);
  }
  return answers;
}

function exchangeOf(
  contract: FieldContract | AsyncFieldContract,
  questions: readonly AskedQuestion[],
): Exchange<CallResult | SubmitResult> {
  return isAsync(contract)
    ? {
        build: (key) => contract.buildSubmit(questions, key),
        read: (response) => contract.readSubmit(response, questions),
      }
    : {
        build: (key) => contract.buildRequest(questions, key),
        read: (response) => contract.readResponse(response, questions),
      };
}

const POLL_AT_MOST_EVERY_SECONDS = 1;
const POLL_AT_LEAST_EVERY_SECONDS = 300;

/** How long until the next poll, whatever a provider says. */
export function clampPollSeconds(wanted: number): number {
  return Math.min(Math.max(wanted, POLL_AT_MOST_EVERY_SECONDS), POLL_AT_LEAST_EVERY_SECONDS);
}

type Submitted = Extract<SubmitResult, { kind: 'submitted' }> & { durationMs: number };

/** What was taken is stored before anything else: without it the whole would be handed in again. Gives the rest's answers. */
async function keepSubmission(
  context: CallContext,
  contract: AsyncFieldContract,
  asks: readonly Ask[],
  { externalIds, answers, statedCredits, retryAfterSeconds, durationMs }: Submitted,
): Promise<LookupAnswer[]> {
  const taken = asks.flatMap(({ lookupId, ask }) => {
    const externalId = externalIds.get(lookupId);
    return externalId === undefined ? [] : [{ lookupId, ask, externalId }];
  });
  const pollInSeconds = clampPollSeconds(retryAfterSeconds ?? contract.pollSeconds);
  const statedEach = statedCredits == null ? null : statedCredits / taken.length;
  await untilStored(context, () => storeSubmissions(context.knex, taken, { pollInSeconds, statedEach }));
  const rest = asks.filter(({ lookupId }) => !externalIds.has(lookupId));
  const options = { resultSeconds: context.resultSeconds, durationMs };
  return answersOf(rest, { kind: 'answers', answers }, options);
}

/** Never rejects: what is not taken back expires, and an answer that another half of the call has paid for must be stored. */
async function takeBack(context: CallContext, asks: readonly Ask[]): Promise<void> {
  try {
    await releaseAsks(context.knex, asks);
  } catch (error) {
    context.logger.warn({ err: error, asks: asks.length }, 'questions could not be taken back; they expire');
  }
}
