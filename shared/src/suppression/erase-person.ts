import type { Knex } from '../db/database';
import { allowLongStatements, inTransaction } from '../db/transaction';
import type { Ending } from '../domain/ending';
import { suppressionError } from '../domain/suppression';
import { lockCreditAccount } from '../ledger/lock-account';
import { completeEmptyBatches } from '../repositories/cancellation';
import * as erasures from '../repositories/erasures';
import { lockLeadWrites } from '../repositories/lead-writes';
import { insertSuppressions } from '../repositories/suppressions';
import { endEnrichments } from '../settle/end-enrichments';
import { findPerson, type ErasureTarget } from './find-person';

/** What an erasure did, in numbers and ids: nothing of it tells who the person was. */
export interface ErasureReport {
  erasureId: string;
  leadIds: string[];
  /** Entries that are new; the others were there. */
  suppressions: number;
  endedEnrichments: number;
  refundedCredits: number;
  values: number;
  attempts: number;
  lookups: number;
  leads: number;
}

type Removed = Omit<ErasureReport, 'erasureId' | 'leadIds' | 'suppressions'>;

/**
 * Forgets a person in every organisation and keeps only hashes. They are committed first: from then on accepts, asks,
 * answers, settles and imports see them. Then, organisation by organisation under the account lock, pending rows end,
 * refunded, and values go; then leads, attempts and lookups, so that an answer in flight finds nothing to be written to.
 * Enrichments, requests and credits stay: they name the lead by an id that leads nowhere.
 *
 * Each step may be repeated: after a crash `finishErasures` goes on, and erasing the same person again finds what came
 * back meanwhile, which is nothing.
 */
export async function erasePerson(
  knex: Knex,
  target: ErasureTarget,
  createdBy: string,
): Promise<ErasureReport> {
  const { erasure, suppressions } = await inTransaction(knex, async (trx) => {
    // An import either is seen here or sees the hashes.
    await allowLongStatements(trx);
    await lockLeadWrites(trx);
    const person = await findPerson(trx, target);
    const leadIds = person.leads.map(({ id }) => id);
    const begun = await erasures.insertErasure(trx, leadIds, createdBy);
    const origin = { source: 'erasure' as const, reason: '', createdBy, erasureId: begun.id };
    return { erasure: begun, suppressions: await insertSuppressions(trx, person.suppressions, origin) };
  });
  return { erasureId: erasure.id, leadIds: erasure.leadIds, suppressions, ...(await finish(knex, erasure)) };
}

/** Finishes the erasures that a crash broke off; gives what is left to be told of each. */
export async function finishErasures(knex: Knex): Promise<ErasureReport[]> {
  const reports: ErasureReport[] = [];
  for (const erasure of await erasures.listOpenErasures(knex)) {
    const { id: erasureId, leadIds } = erasure;
    reports.push({ erasureId, leadIds, suppressions: 0, ...(await finish(knex, erasure)) });
  }
  return reports;
}

async function finish(knex: Knex, { id, leadIds }: erasures.Erasure): Promise<Removed> {
  const removed: Removed = {
    endedEnrichments: 0,
    refundedCredits: 0,
    values: 0,
    attempts: 0,
    lookups: 0,
    leads: 0,
  };
  if (leadIds.length > 0) {
    // All organisations: an accept that is older than the hashes holds its account until what it wrote can be seen here.
    for (const orgId of await erasures.listOrganisationIds(knex)) {
      const ended = await endAndForget(knex, orgId, leadIds);
      removed.endedEnrichments += ended.endedEnrichments;
      removed.refundedCredits += ended.refundedCredits;
      removed.values += ended.values;
    }
    removed.leads = await inTransaction(knex, async (trx) => {
      await lockLeadWrites(trx);
      return erasures.deletePeople(trx, leadIds);
    });
    removed.attempts = await forgetAllAttempts(knex, leadIds);
  }
  removed.lookups = await inTransaction(knex, async (trx) => {
    await allowLongStatements(trx);
    return erasures.deleteLookupsOf(trx, id);
  });
  await erasures.completeErasure(knex, id);
  return removed;
}

/** Lock order: credit account, batches, enrichments. */
async function endAndForget(
  knex: Knex,
  orgId: string,
  leadIds: readonly string[],
): Promise<Pick<Removed, 'endedEnrichments' | 'refundedCredits' | 'values'>> {
  return inTransaction(knex, async (trx) => {
    await lockCreditAccount(trx, orgId);
    const pending = await erasures.lockPendingOf(trx, orgId, leadIds);
    const refundedCredits = await endPending(trx, orgId, pending);
    await completeEmptyBatches(trx, [...new Set(pending.map(({ batchId }) => batchId))]);
    const values = await erasures.deleteLeadValues(trx, orgId, leadIds);
    return { endedEnrichments: pending.length, refundedCredits, values };
  });
}

/** A refund belongs to one request, and so to one field. */
async function endPending(
  trx: Knex.Transaction,
  orgId: string,
  pending: readonly erasures.PendingOfErased[],
): Promise<number> {
  const groups = new Map<string, erasures.PendingOfErased[]>();
  for (const row of pending) groups.set(row.requestId, [...(groups.get(row.requestId) ?? []), row]);
  let refundedCredits = 0;
  for (const [requestId, rows] of groups) {
    const [{ field }] = rows as [erasures.PendingOfErased];
    const request = { orgId, requestId, field };
    const ended = await endEnrichments(trx, request, rows.map(toEnding), 'suppressed: the person was erased');
    refundedCredits += ended.refundedCredits;
  }
  return refundedCredits;
}

function toEnding({ enrichmentId }: erasures.PendingOfErased): Ending {
  return {
    enrichmentId,
    found: false,
    status: 'failed',
    error: suppressionError(true),
    lookupId: null,
    attempts: [],
  };
}

/** After every account was held once: no enrichment of these leads can come that is not seen now. */
async function forgetAllAttempts(knex: Knex, leadIds: readonly string[]): Promise<number> {
  let attempts = 0;
  const enrichments = await inTransaction(knex, async (trx) => {
    await allowLongStatements(trx);
    return erasures.listEnrichmentsOf(trx, leadIds);
  });
  for (const { orgId, ids } of enrichments) {
    attempts += await inTransaction(knex, async (trx) => {
      await lockCreditAccount(trx, orgId);
      return erasures.forgetAttempts(trx, { orgId, ids, error: suppressionError(true) });
    });
  }
  return attempts;
}
