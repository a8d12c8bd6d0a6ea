import type { Config } from '@leadwell/shared/config/config';
import type { Db } from '@leadwell/shared/db/database';
import type { Enrichment } from '@leadwell/shared/domain/enrichment';
import { SHARED_SCOPE } from '@leadwell/shared/domain/ids';
import { isSuppressionError, suppressionError } from '@leadwell/shared/domain/suppression';
import { waterfallOf, type AskableWaterfall } from '@leadwell/shared/domain/waterfall';
import { readOrderGround } from '@leadwell/shared/repositories/accepted-work';
import {
  listLeadsToRetry,
  listSelectedLeads,
  type SelectedLead,
} from '@leadwell/shared/repositories/enrichment-queries';
import { hitsByLead, listStoredHits, type LeadHit } from '@leadwell/shared/repositories/stored-hits';
import { findSuppressed } from '@leadwell/shared/repositories/suppression-checks';
import { selectLeads } from '../search/select-leads';
import type { Order } from './order';

export interface PlanningDependencies {
  config: Pick<Config, 'shareResults' | 'emailCredits' | 'phoneCredits'>;
  /** The deployment's; an organisation may have its own. */
  waterfall: AskableWaterfall;
}

/** What becomes of one selected lead. `supersedes` is the ended row that makes way for the new round. */
export type PlannedRow =
  | { kind: 'reused'; leadId: string; enrichment: Enrichment }
  | { kind: 'answered'; leadId: string; hits: readonly [LeadHit, ...LeadHit[]]; supersedes: string | null }
  | { kind: 'suppressed'; leadId: string; error: string; supersedes: string | null }
  | { kind: 'paid'; leadId: string; supersedes: string | null };

/** An order split: what exists, what a stored answer or a suppression ends at once, what is to be paid. In selection order. */
export interface Plan {
  /** The database's time, read after the lock. */
  at: Date;
  rows: PlannedRow[];
  paidCount: number;
  unitPriceCredits: number;
  requiredCredits: number;
}

/** The ids of the selected leads, distinct, in selection order. Takes no lock: it may run before the account is locked. */
export async function resolveSelection(db: Db, order: Order): Promise<readonly string[]> {
  const { selection, orgId } = order;
  if (selection.mode === 'manual') return selection.leadIds;
  if (selection.mode === 'retry') return listLeadsToRetry(db, { orgId, requestId: selection.requestId });
  const { filters, startIndex, targetCount, excludedIds } = selection;
  return selectLeads(db, { orgId, filters, startIndex, targetCount, excludedIds: [...excludedIds] });
}

/**
 * Splits the selection. What it reads must be read after the account lock, by statements later than it.
 * Throws what the selection says of ids that are no visible lead; in a range of a search, and of an earlier request whose
 * leads were erased since, such leads are left out.
 */
export async function planOrder(
  db: Db,
  deps: PlanningDependencies,
  order: Order,
  leadIds: readonly string[],
): Promise<Plan> {
  const { orgId, field } = order;
  const { at, ownProviders, hasSuppressions } = await readOrderGround(db, order);
  const leads = await listVisible(db, order, leadIds);
  const isKept = (lead: SelectedLead): boolean => lead.live !== null && !needsNewRound(lead.live, order);
  const toRead = leads.filter((lead) => !isKept(lead)).map((lead) => lead.leadId);
  const hits = await listStoredHits(db, {
    field,
    scope: deps.config.shareResults === 'on' ? SHARED_SCOPE : orgId,
    leadIds: toRead,
    providers: waterfallOf(deps.waterfall, field, ownProviders),
  });
  const hitsOf = hitsByLead(hits);
  const suppressed = await findSuppressed(db, {
    // Where nothing is suppressed, to parse and plan the check took an accept of one lead as long as all its writes.
    subjects: { orgId, leadIds: hasSuppressions ? toRead : [] },
    answers: hits.map(({ leadId, lookupId }) => ({ id: leadId, lookupId })),
  });
  const rows = leads.map((lead) => {
    const isGlobal = suppressed.get(lead.leadId);
    return isGlobal === undefined
      ? planRow(lead, order, hitsOf.get(lead.leadId))
      : planSuppressed(lead, suppressionError(isGlobal));
  });
  return { at, rows, ...priceOf(rows, deps, order) };
}

function planRow(
  { leadId, live }: SelectedLead,
  order: Order,
  hits: [LeadHit, ...LeadHit[]] | undefined,
): PlannedRow {
  if (live && !needsNewRound(live, order)) return { kind: 'reused', leadId, enrichment: live };
  const supersedes = live?.id ?? null;
  return hits === undefined
    ? { kind: 'paid', leadId, supersedes }
    : { kind: 'answered', leadId, hits, supersedes };
}

/** What a suppression ended is returned as it is for as long as an entry stands; anything else makes way for it, free. */
function planSuppressed({ leadId, live }: SelectedLead, error: string): PlannedRow {
  if (live?.status === 'failed' && isSuppressionError(live.error))
    return { kind: 'reused', leadId, enrichment: live };
  return { kind: 'suppressed', leadId, error, supersedes: live?.id ?? null };
}

/** What failed, timed out or was cancelled was refunded, and starts anew; what found nothing does only when asked to. */
function needsNewRound(live: Enrichment, order: Order): boolean {
  if (live.status === 'pending') return false;
  if (live.status === 'finished') return order.retryNotFound && live.dataFound === false;
  return true;
}

function priceOf(
  rows: readonly PlannedRow[],
  { config }: PlanningDependencies,
  { field }: Order,
): Pick<Plan, 'paidCount' | 'unitPriceCredits' | 'requiredCredits'> {
  const paidCount = rows.filter((row) => row.kind === 'paid').length;
  const unitPriceCredits = field === 'emails' ? config.emailCredits : config.phoneCredits;
  return { paidCount, unitPriceCredits, requiredCredits: paidCount * unitPriceCredits };
}

async function listVisible(db: Db, order: Order, leadIds: readonly string[]): Promise<SelectedLead[]> {
  const { orgId, field, selection } = order;
  const leads = await listSelectedLeads(db, { orgId, field, leadIds });
  const unknown = leads.filter((lead) => !lead.isVisible);
  if (unknown.length > 0 && selection.mode === 'manual') {
    throw selection.refuse(new Set(unknown.map((lead) => lead.leadId)));
  }
  return leads.filter((lead) => lead.isVisible);
}
