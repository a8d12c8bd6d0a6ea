import type { Config } from '@leadwell/shared/config/config';
import type { Db } from '@leadwell/shared/db/database';
import type { Enrichment } from '@leadwell/shared/domain/enrichment';
import { newId } from '@leadwell/shared/domain/ids';
import type { DebitReceipt } from '@leadwell/shared/ledger/debit';
import {
  insertAcceptedWork,
  supersedeEnrichments,
  type NewBatch,
  type NewEnrichment,
  type NewRequest,
} from '@leadwell/shared/repositories/accepted-work';
import { giveHitValues } from './give-hit-values';
import type { Order } from './order';
import type { Plan, PlannedRow } from './plan-order';

export interface PaidOrder {
  id: string;
  order: Order;
  plan: Plan;
  receipt: DebitReceipt;
}

type WriteConfig = Pick<Config, 'batchSize' | 'enrichmentDeadlineHours'>;

/**
 * Writes a planned and paid order: makes way for new rounds, then the request with its batches, rows and list, by one statement each
 * however many leads there are. Gives the enrichments in selection order. The caller holds the account lock; nothing
 * here decides about money.
 */
export async function writeRequest(db: Db, config: WriteConfig, paid: PaidOrder): Promise<Enrichment[]> {
  const { plan } = paid;
  const request = toRequest(paid);
  const batches: NewBatch[] = [];
  const listed = plan.rows.map((row) => listRow(row, batches, config.batchSize));
  const own = listed.flatMap((row) => row.own ?? []);

  await supersedeEnrichments(db, request.orgId, plan.rows.flatMap(supersededBy), plan.at);
  await insertAcceptedWork(db, {
    request,
    batches,
    deadlineAt: new Date(plan.at.getTime() + config.enrichmentDeadlineHours * 3_600_000),
    rows: own,
    unitPriceCredits: plan.unitPriceCredits,
    retryNotFound: paid.order.retryNotFound,
    listedIds: listed.map((row) => row.enrichmentId),
  });
  await giveHitValues(db, request.orgId, own);
  const at = request.at.toISOString();
  return listed.map((row) => row.reused ?? toEnrichment(row.own, request, at));
}

type ListedRow =
  | { enrichmentId: string; reused: Enrichment; own: null }
  | { enrichmentId: string; reused: null; own: NewEnrichment };

/** Rows to be worked fill batches in selection order. */
function listRow(row: PlannedRow, batches: NewBatch[], batchSize: number): ListedRow {
  if (row.kind === 'reused') return { enrichmentId: row.enrichment.id, reused: row.enrichment, own: null };
  const [first, ...others] = row.kind === 'answered' ? row.hits : [];
  const answer = { lookupId: first?.lookupId ?? null, otherLookupIds: others.map((hit) => hit.lookupId) };
  const error = row.kind === 'suppressed' ? row.error : null;
  const batchId = row.kind === 'paid' ? placeInBatch(batches, batchSize) : null;
  const id = newId();
  return { enrichmentId: id, reused: null, own: { id, leadId: row.leadId, batchId, ...answer, error } };
}

function placeInBatch(batches: NewBatch[], batchSize: number): string {
  let batch = batches.at(-1);
  if (!batch || batch.size === batchSize) {
    batch = { id: newId(), size: 0 };
    batches.push(batch);
  }
  batch.size += 1;
  return batch.id;
}

function supersededBy(row: PlannedRow): string[] {
  return row.kind === 'reused' || row.supersedes === null ? [] : [row.supersedes];
}

function toRequest({ id, order, plan, receipt }: PaidOrder): NewRequest {
  return {
    id,
    orgId: order.orgId,
    createdBy: order.userName,
    field: order.field,
    mode: order.selection.mode,
    priority: order.priority,
    total: plan.rows.length,
    creditsCharged: receipt.amountCredits,
    creditTransactionId: receipt.transactionId,
    at: plan.at,
  };
}

/** As insertAcceptedWork wrote it: reading a thousand rows back would take longer than writing them. */
function toEnrichment(row: NewEnrichment, request: NewRequest, at: string): Enrichment {
  const isPending = row.batchId !== null;
  return {
    id: row.id,
    createdAt: at,
    updatedAt: at,
    entityId: row.leadId,
    entityType: 'person',
    field: request.field,
    status: isPending ? 'pending' : row.lookupId === null ? 'failed' : 'finished',
    error: row.error,
    dataFound: isPending ? null : row.lookupId !== null,
    createdBy: request.createdBy,
    orgId: request.orgId,
    globalEnrichmentId: row.lookupId,
    creditTransactionId: isPending ? request.creditTransactionId : null,
  };
}
