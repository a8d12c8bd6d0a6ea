/** The model's whole state: plain data, so that a copy is `structuredClone`. Everything is named, nothing has an id. */
import type { EnrichmentStatus, Field } from '@leadwell/shared/domain/enrichment';
import { ORGANISATIONS, START_CREDITS } from './world';

export type Outcome = 'hit' | 'miss' | 'restricted' | 'failed' | 'skipped';

export interface Account {
  balance: number;
  added: number;
  consumed: number;
  refunded: number;
}

export interface Attempt {
  outcome: Outcome | null;
  lookup: string | null;
  ask: number;
}

/** An enrichment, named `<request>/<lead>`. */
export interface Row {
  name: string;
  org: number;
  lead: number;
  field: Field;
  request: string;
  status: EnrichmentStatus;
  isSuppressed: boolean;
  found: boolean | null;
  price: number;
  isRefunded: boolean;
  answeredBy: string | null;
  isLive: boolean;
  batch: string | null;
  retryNotFound: boolean;
  acceptedAt: number;
  attempts: Record<string, Attempt>;
}

export interface Order {
  org: number;
  field: Field;
  leads: readonly number[];
  /** The request whose failed rows are ordered anew; `leads` does not count then. */
  retryOf: string | null;
  retryNotFound: boolean;
  maxCredits: number | null;
  key: string | null;
}

export interface Request {
  name: string;
  org: number;
  field: Field;
  rows: string[];
  charged: number;
  isCancelled: boolean;
}

/** Named `<request>#<n>`, or `<row>!` where a row was split off. */
export interface Batch {
  name: string;
  org: number;
  field: Field;
  request: string;
  fence: number;
  deliveries: number;
  generation: number;
  isComplete: boolean;
  isLeased: boolean;
  isWaiting: boolean;
  isQueued: boolean;
  /** Raised or leased a moment ago: an active job of it is no ghost. */
  isFresh: boolean;
  isOverdue: boolean;
}

export interface Lookup {
  state: 'asked' | Exclude<Outcome, 'skipped'>;
  ask: number;
  repeats: number;
  isFresh: boolean;
  answeredAt: number;
}

export interface Ending {
  status: Exclude<EnrichmentStatus, 'pending'>;
  found: boolean;
  isSuppressed: boolean;
  /** Of an ending as found. */
  lookup: string | null;
  attempts: { provider: string; lookup: string | null; outcome: Outcome }[];
}

/** A row in a worker's memory. */
export interface Held {
  row: string;
  outcomes: Record<string, Outcome | null>;
  unwritten: Ending['attempts'];
  /** The provider and the asking that it waits for. */
  asking: { provider: string; lookup: string; ask: number } | null;
  ending: Ending | null;
}

/** A batch in a worker's memory, by right or not any more. */
export interface Holding {
  name: string;
  batch: string;
  fence: number;
  job: string;
  rows: Held[];
}

export interface Model {
  /** Counts what happens: later is greater. */
  clock: number;
  steps: number;
  accounts: Account[];
  rows: Record<string, Row>;
  requests: Record<string, Request>;
  batches: Record<string, Batch>;
  lookups: Record<string, Lookup>;
  /** Entries of the suppression list: `*` for everybody, or the organisation, and what is known of somebody. */
  suppressed: string[];
  keys: Record<string, { order: Order; request: string }>;
  /** The queue: `<batch> g<generation>`. */
  jobs: Record<string, 'waiting' | 'active'>;
  holdings: Record<string, Holding>;
}

export function newModel(): Model {
  return {
    clock: 0,
    steps: 0,
    accounts: ORGANISATIONS.map(() => ({
      balance: START_CREDITS,
      added: START_CREDITS,
      consumed: 0,
      refunded: 0,
    })),
    rows: {},
    requests: {},
    batches: {},
    lookups: {},
    suppressed: [],
    keys: {},
    jobs: {},
    holdings: {},
  };
}

export function pendingRowsOf(model: Model, batch: string): Row[] {
  return Object.values(model.rows).filter((row) => row.batch === batch && row.status === 'pending');
}

export function liveRow(model: Model, org: number, lead: number, field: Field): Row | undefined {
  return Object.values(model.rows).find(
    (row) => row.isLive && row.org === org && row.lead === lead && row.field === field,
  );
}
