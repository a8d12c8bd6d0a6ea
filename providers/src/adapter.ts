/**
 * What the service needs to know of a provider: one adapter a provider, pure functions from questions to an HTTP
 * request and from the response to answers. No adapter does I/O; the worker calls, within limits and deadlines.
 */
import type { Candidate, Field } from '@leadwell/shared/domain/enrichment';
import type { Question, QuestionForm } from '@leadwell/shared/domain/question';
import type { RateHeaders } from './rate-headers';

/** At most `amount` calls (or records: questions inside calls) in any window of `perSeconds`. */
export interface ProviderLimit {
  amount: number;
  perSeconds: number;
  unit: 'calls' | 'records';
}

/** A question with the id that the answer is matched by. Ids are unique within a call. */
export interface AskedQuestion {
  id: string;
  question: Question;
}

export interface ProviderRequest {
  method: 'GET' | 'POST';
  /** Appended to the base URL; starts with `/`. */
  path: string;
  query?: Readonly<Record<string, string>>;
  /** Holds the key; never logged. */
  headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
}

export interface ProviderResponse {
  status: number;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  /** The parsed JSON, see parseJson; undefined where the body is none. */
  json: unknown;
}

/**
 * What a provider says to one question. `costCredits`: what it charged in its own credits by its published price, or its share
 * of what the provider says where no price is published; null where it tells neither. A hit has at least one candidate.
 * `statedCredits`: what the provider itself says this one question cost, of a poll, whose answer stands for a whole job; elsewhere
 * the call's own `statedCredits` is shared out.
 */
export type Answer =
  | { outcome: 'hit'; candidates: Candidate[]; costCredits: number | null; statedCredits?: number | null }
  | { outcome: 'miss'; costCredits: number | null; statedCredits?: number | null }
  /** May not be asked about this person again, of any provider. */
  | { outcome: 'restricted'; reason: string }
  /** This question could not be answered; others of the call may be. */
  | { outcome: 'failed'; reason: string };

/** What became of a call as a whole. Reasons are for a person and hold no key, name or address. */
export type CallResult =
  /** By question id. A question without an answer counts as failed, never as a miss. */
  | {
      kind: 'answers';
      answers: ReadonlyMap<string, Answer>;
      /** What the provider itself says the whole call cost, in its own credits; null or absent where it does not. */
      statedCredits?: number | null;
    }
  /** Too fast: wait, ask again. */
  | { kind: 'rate'; retryAfterSeconds: number | null; reason: string }
  /** Our account is empty: nobody asks until an operator pays. Costs no tenant anything. */
  | { kind: 'no_credit'; reason: string }
  /** Our key is refused. */
  | { kind: 'auth'; reason: string }
  /** A passing fault: worth one more try. */
  | { kind: 'transient'; retryAfterSeconds: number | null; reason: string }
  /** The provider calls the question malformed: asking again would not help. */
  | { kind: 'bad_input'; reason: string };

/** What one field of a provider takes, however it answers. */
interface FieldTerms {
  /** In order; a lead is asked by the first that it fills. */
  forms: readonly QuestionForm[];
  /** What one call may hold by the contract. See `maxQuestionsPerCall` of provider.ts for what an account allows. */
  maxQuestionsPerCall: number;
  /**
   * Answered in the order asked, without an id of ours: of an answer with another number of items nothing is read. Otherwise
   * order means nothing.
   */
  isPositional?: boolean;
  /**
   * Set where the provider counts this endpoint by itself: its calls then have limits, places and breaker of their own, each as
   * configured. Equal for the fields that share one. Stored with what is counted: never rename it.
   */
  endpoint?: string;
  /** What one question is charged at most, in the provider's own credits, by its published prices. */
  maxCostCredits: number;
}

/** How one field is asked of a provider that answers at once. */
export interface FieldContract extends FieldTerms {
  buildRequest(questions: readonly AskedQuestion[], key: string): ProviderRequest;
  /** Never throws on what a provider may send; nothing unclean gets into a candidate. */
  readResponse(response: ProviderResponse, questions: readonly AskedQuestion[]): CallResult;
}

/** What became of a submission. */
export type SubmitResult =
  | {
      kind: 'submitted';
      /** By question id: what it is polled by. A text always: some are numbers beyond 2^53. See `jobOf`. */
      externalIds: ReadonlyMap<string, string>;
      /** What needs no poll. A question in neither map counts as failed. */
      answers: ReadonlyMap<string, Answer>;
      /** What the provider itself says the submission cost; polls may add to it. Null or absent where it does not. */
      statedCredits?: number | null;
      /** Until the first poll, where the provider says. */
      retryAfterSeconds: number | null;
    }
  | Exclude<CallResult, { kind: 'answers' }>;

/** What a poll gives. `bad_input`: the provider knows no such job any more. */
export type PollResult = CallResult | { kind: 'pending'; retryAfterSeconds: number | null };

/** A question with the id that its provider gave it. */
export interface SubmittedQuestion extends AskedQuestion {
  externalId: string;
}

/**
 * How one field is asked of a provider that takes questions now and answers later. A submission is made once; from then
 * on it is only polled, by whoever waits for it.
 */
export interface AsyncFieldContract extends FieldTerms {
  /** Until the first poll and between polls, where the provider does not say. */
  pollSeconds: number;
  /** As `endpoint`, of the polls. Without it they count where the submissions do. */
  pollEndpoint?: string;
  buildSubmit(questions: readonly AskedQuestion[], key: string): ProviderRequest;
  /** Never throws on what a provider may send. */
  readSubmit(response: ProviderResponse, questions: readonly AskedQuestion[]): SubmitResult;
  buildPoll(jobId: string, key: string): ProviderRequest;
  /**
   * `questions` are those that the caller waits for, of one job, perhaps not all of it. Never throws on what a provider
   * may send; nothing unclean gets into a candidate.
   */
  readPoll(response: ProviderResponse, questions: readonly SubmittedQuestion[]): PollResult;
}

export function isAsync(contract: FieldContract | AsyncFieldContract): contract is AsyncFieldContract {
  return 'buildSubmit' in contract;
}

/** The job that an external id belongs to: all of it, or what stands before the slash where items have ids of their own. */
export function jobOf(externalId: string): string {
  return externalId.split('/', 1)[0] ?? externalId;
}

/** The item of an external id, what stands behind the slash; empty where it is all of a job. */
export function itemOf(externalId: string): string {
  return externalId.slice(jobOf(externalId).length + 1);
}

export interface Adapter {
  /** As in PROVIDERS_FILE, in attempts and in lookups. */
  name: string;
  defaults: {
    baseUrl: string;
    /** The environment variable that holds the key. */
    keyEnv: string;
    limits: readonly ProviderLimit[];
    /** Calls in flight at most, of all workers together. */
    concurrent: number;
    timeoutSeconds: number;
    /** How long a row waits for a limit before it skips this provider. */
    maxWaitSeconds: number;
    /** How long after its submission a question has failed. Defaults to 600. */
    giveUpSeconds?: number;
  };
  /** The headers in which it tells its limits, if it does: they tighten what is configured, never loosen it. */
  rateHeaders?: readonly RateHeaders[];
  fields: Readonly<Partial<Record<Field, FieldContract | AsyncFieldContract>>>;
}
