/** What an order, its repeat, its quote and its cancel do, by the contract: the model's side. */
import type { Quote } from '@leadwell/api/use-cases/quote-request';
import { endRows, isSuppressed, storedHits } from './endings';
import { liveRow, type Ending, type Model, type Order, type Row } from './state';
import { BATCH_SIZE, LEADS, PRICE } from './world';

/** What a client sees of an order: an error's code, or its rows with their states and what it cost. */
export type OrderResult = { error: string } | { rows: string[]; charged: number; isReplay: boolean };

type Planned =
  | { kind: 'reused'; row: Row }
  | { kind: 'answered' | 'suppressed' | 'paid'; lead: number; supersedes: Row | undefined; hits: string[] };

/** Accepts an order as request `name`, or refuses it and changes nothing. What is to be retried is read off `seen`. */
export function acceptOrder(model: Model, order: Order, name: string, seen: Model): OrderResult {
  const kept = order.key === null ? undefined : model.keys[`${order.org} ${order.key}`];
  if (kept) return replay(model, kept, order);
  const planned = planOrder(model, order, seen);
  if ('error' in planned) return planned;
  const charged = priceOf(planned, order);
  const account = model.accounts[order.org]!;
  if (charged > Math.min(account.balance, order.maxCredits ?? Infinity))
    return { error: 'INSUFFICIENT_CREDITS' };
  account.balance -= charged;
  account.consumed += charged;
  const rows = writeRows(model, order, name, planned);
  const { org, field } = order;
  model.requests[name] = { name, org, field, rows, charged, isCancelled: false };
  if (order.key !== null) model.keys[`${org} ${order.key}`] = { order, request: name };
  return { rows: rows.map((row) => described(model, row)), charged, isReplay: false };
}

export function quoteOrder(model: Model, order: Order): Quote | { error: string } {
  const planned = planOrder(model, order, model);
  if ('error' in planned) return planned;
  const required = priceOf(planned, order);
  const available = model.accounts[order.org]!.balance;
  const paid = planned.filter(({ kind }) => kind === 'paid').length;
  const short = Math.max(0, required - available);
  return { selected: planned.length, free: planned.length - paid, new: paid, required, available, short };
}

function replay(model: Model, kept: { order: Order; request: string }, order: Order): OrderResult {
  if (JSON.stringify(kept.order) !== JSON.stringify(order)) return { error: 'IDEMPOTENCY_MISMATCH' };
  const { rows, charged } = model.requests[kept.request]!;
  return { rows: rows.map((row) => described(model, row)), charged, isReplay: true };
}

export function described(model: Model, name: string): string {
  const { status, found } = model.rows[name]!;
  return `${name} ${status} ${found}`;
}

function planOrder(model: Model, order: Order, seen: Model): Planned[] | { error: string } {
  const { org, field } = order;
  const isVisible = (lead: number): boolean => [null, org].includes(LEADS[lead]!.owner);
  const leads = order.retryOf === null ? order.leads : leadsToRetry(seen, order.retryOf);
  if (order.retryOf === null && !leads.every(isVisible)) return { error: 'VALIDATION_ERROR' };
  return leads.map((lead): Planned => {
    const live = liveRow(model, org, lead, field);
    if (live && !needsNewRound(live, order)) return { kind: 'reused', row: live };
    const hits = storedHits(model, lead, field);
    const more = { lead, supersedes: live, hits };
    if (isSuppressed(model, org, lead))
      return live?.isSuppressed ? { kind: 'reused', row: live } : { kind: 'suppressed', ...more };
    return { kind: hits.length > 0 ? 'answered' : 'paid', ...more };
  });
}

function leadsToRetry(model: Model, request: string): number[] {
  const rows = model.requests[request]!.rows.map((row) => model.rows[row]!);
  return rows
    .filter(({ status }) => ['failed', 'timeout', 'cancelled'].includes(status))
    .map(({ lead }) => lead);
}

function needsNewRound(live: Row, order: Order): boolean {
  if (live.status === 'finished') return order.retryNotFound && live.found === false;
  return live.status !== 'pending';
}

function priceOf(planned: readonly Planned[], { field }: Order): number {
  return planned.filter(({ kind }) => kind === 'paid').length * PRICE[field];
}

function writeRows(model: Model, order: Order, request: string, planned: readonly Planned[]): string[] {
  const acceptedAt = ++model.clock;
  let paid = 0;
  return planned.map((plan) => {
    if (plan.kind === 'reused') return plan.row.name;
    if (plan.supersedes) plan.supersedes.isLive = false;
    const { org, field, retryNotFound } = order;
    const { lead, kind, hits } = plan;
    const batch = kind === 'paid' ? `${request}#${Math.floor(paid++ / BATCH_SIZE)}` : null;
    const answered = kind === 'answered' ? hits : [];
    const name = `${request}/${lead}`;
    model.rows[name] = {
      ...{
        name,
        org,
        lead,
        field,
        request,
        retryNotFound,
        acceptedAt,
        batch,
        isLive: true,
        isRefunded: false,
      },
      status: kind === 'paid' ? 'pending' : kind === 'answered' ? 'finished' : 'failed',
      isSuppressed: kind === 'suppressed',
      found: kind === 'paid' ? null : kind === 'answered',
      price: kind === 'paid' ? PRICE[field] : 0,
      answeredBy: answered[0] ?? null,
      attempts: Object.fromEntries(
        answered.map((lookup) => [lookup.split(' ')[0]!, { outcome: 'hit' as const, lookup, ask: 0 }]),
      ),
    };
    if (batch !== null) model.batches[batch] ??= newBatch(batch, order, request);
    return name;
  });
}

function newBatch(name: string, { org, field }: Order, request: string) {
  const flags = { isComplete: false, isLeased: false, isWaiting: false, isQueued: false, isFresh: false };
  return { name, org, field, request, fence: 0, deliveries: 0, generation: 0, ...flags, isOverdue: false };
}

export interface CancelResult {
  cancelled: string[];
  cancelledBefore: string[];
  asked: string[];
  listedElsewhere: string[];
  reused: string[];
  refunded: number;
}

const CANCELLED: Ending = {
  status: 'cancelled',
  found: false,
  isSuppressed: false,
  lookup: null,
  attempts: [],
};

/** Ends what the request made, nobody was asked about, and no other open request lists. */
export function cancelRequest(model: Model, name: string): CancelResult {
  const request = model.requests[name]!;
  const result: CancelResult = {
    ...{ cancelled: [], cancelledBefore: [], asked: [], listedElsewhere: [], reused: [], refunded: 0 },
  };
  for (const row of request.rows.map((one) => model.rows[one]!)) {
    const fate = fateOf(model, row, name);
    if (fate) result[fate].push(row.name);
  }
  const batches = [...new Set(Object.values(model.batches).filter((batch) => batch.request === name))];
  const before = model.accounts[request.org]!.refunded;
  endRows(
    model,
    result.cancelled.map((row) => [row, CANCELLED]),
  );
  result.refunded = model.accounts[request.org]!.refunded - before;
  const { cancelled, asked, listedElsewhere, reused } = result;
  if (cancelled.length + asked.length + listedElsewhere.length + reused.length > 0)
    request.isCancelled = true;
  for (const batch of batches.filter((one) => !one.isComplete)) {
    if (Object.values(model.rows).some((row) => row.batch === batch.name && row.status === 'pending'))
      continue;
    Object.assign(batch, { isComplete: true, fence: batch.fence + 1, isQueued: false, isLeased: false });
  }
  return result;
}

function fateOf(model: Model, row: Row, request: string): Exclude<keyof CancelResult, 'refunded'> | null {
  if (row.status === 'cancelled' && row.request === request) return 'cancelledBefore';
  if (row.status !== 'pending') return null;
  if (row.request !== request) return 'reused';
  if (Object.keys(row.attempts).length > 0) return 'asked';
  const others = Object.values(model.requests).filter(
    ({ name, rows }) => name !== request && rows.includes(row.name),
  );
  return others.some(({ isCancelled }) => !isCancelled) ? 'listedElsewhere' : 'cancelled';
}
