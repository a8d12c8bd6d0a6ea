import type { Knex } from '../db/database';
import { inTransaction } from '../db/transaction';
import { AppError } from '../domain/errors';
import { lockCreditAccount } from '../ledger/lock-account';
import * as removal from '../repositories/lead-removal';
import { lockLeadWrites } from '../repositories/lead-writes';

const LEADS_PER_TRANSACTION = 1000;
const MAX_NAMED = 10;

/**
 * Deletes leads of an organisation's own, all or none, and gives how many. What was enriched of them stays: enrichments,
 * their attempts, their credits and the values that were found. Imported again, such a person is a new lead.
 * Throws NOT_FOUND for ids that are no leads of its own (those of the shared directory are nobody's to delete) and CONFLICT
 * where an enrichment of one is pending, naming them.
 */
export async function deleteLeads(knex: Knex, orgId: string, leadIds: readonly string[]): Promise<number> {
  const distinct = [...new Set(leadIds)];
  return inTransaction(knex, async (trx) => {
    await lockForRemoval(trx, orgId);
    const own = new Set(await removal.findOwnLeadIds(trx, orgId, distinct));
    refuseForeign(distinct.filter((id) => !own.has(id)));
    refusePending(await removal.listPendingLeads(trx, orgId, distinct, MAX_NAMED + 1));
    return removal.removeLeads(trx, orgId, distinct);
  });
}

/**
 * Deletes every lead of an organisation's own, a thousand a transaction, so that neither imports nor accepts wait long;
 * gives how many. Run again, it goes on where it stopped. Throws CONFLICT, naming them, while an enrichment of any is
 * pending: before the first is deleted, or for one that was accepted meanwhile, with those before it deleted.
 */
export async function deleteAllLeads(
  knex: Knex,
  orgId: string,
  onProgress: (deleted: number) => void = () => undefined,
): Promise<number> {
  refusePending(await removal.listPendingLeads(knex, orgId, null, MAX_NAMED + 1));
  for (let deleted = 0; ;) {
    const now = await deleteSome(knex, orgId);
    deleted += now;
    onProgress(deleted);
    if (now < LEADS_PER_TRANSACTION) return deleted;
  }
}

async function deleteSome(knex: Knex, orgId: string): Promise<number> {
  return inTransaction(knex, async (trx) => {
    await lockForRemoval(trx, orgId);
    const leads = await removal.listOwnLeads(trx, orgId, LEADS_PER_TRANSACTION);
    const leadIds = leads.map(({ leadId }) => leadId);
    refusePending(await removal.listPendingLeads(trx, orgId, leadIds, MAX_NAMED + 1));
    return removal.removeLeads(trx, orgId, leadIds);
  });
}

/**
 * The account first: an accept that has seen a lead holds it until its enrichment stands, and one that comes later no
 * longer sees the lead. Imports take no account, so the two locks cannot meet in the other order.
 */
async function lockForRemoval(trx: Knex.Transaction, orgId: string): Promise<void> {
  await lockCreditAccount(trx, orgId);
  await lockLeadWrites(trx);
}

function refuseForeign(leadIds: readonly string[]): void {
  if (leadIds.length === 0) return;
  throw new AppError(
    'NOT_FOUND',
    `Not deleted: ${nameSome(leadIds)} ${leadIds.length === 1 ? 'is no lead' : 'are no leads'} of this organisation’s own. Leads of the shared directory cannot be deleted by one organisation.`,
  );
}

function refusePending(pending: readonly removal.PendingLead[]): void {
  if (pending.length === 0) return;
  const named = pending.map(({ leadId, name, field }) => `${leadId} (${name}: ${field})`);
  throw new AppError(
    'CONFLICT',
    `Not deleted: an enrichment is pending for ${nameSome(named)}. Wait until it has ended, or cancel it, then delete again.`,
    { details: pending },
  );
}

function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ');
  return names.length > MAX_NAMED ? `${shown} and more` : shown;
}
