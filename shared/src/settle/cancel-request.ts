import type { Knex } from '../db/database';
import { inTransaction } from '../db/transaction';
import type { Ending } from '../domain/ending';
import type { Field } from '../domain/enrichment';
import { lockCreditAccount } from '../ledger/lock-account';
import {
  completeEmptyBatches,
  listCancelCandidates,
  lockRequestWork,
  markRequestCancelled,
  type CancelCandidate,
} from '../repositories/cancellation';
import { findRequestField } from '../repositories/requests';
import { endEnrichments } from './end-enrichments';

/** What a cancel did, by ids of enrichments in selection order. Each pending row of the request is in exactly one list. */
export interface Cancellation {
  /** Ended now, and refunded. */
  cancelled: string[];
  /** Ended by an earlier cancel of this request. */
  cancelledBefore: string[];
  /** Go on: a provider has been asked. */
  asked: string[];
  /** Go on: another request lists them too, and was not cancelled. */
  listedElsewhere: string[];
  /** Go on: another request made and paid them. */
  reused: string[];
  refundedCredits: number;
  balanceCredits: number;
  /** Batches that this left without work. */
  completedBatchCount: number;
}

/**
 * Ends what nobody has been asked about: those pending rows that the request made itself, that have no attempt, and that
 * no other open request lists. They are refunded once, by one transaction of the ledger, all or nothing. Everything else goes
 * on and is named. Again: nothing changes, unless another request has let go of rows meanwhile. A worker that
 * has such a row finds it no longer pending when it is about to ask or to settle it, and drops it.
 *
 * Lock order: credit account, batches, enrichments. Null where the organisation has no such request.
 */
export async function cancelRequest(
  knex: Knex,
  orgId: string,
  requestId: string,
): Promise<Cancellation | null> {
  return inTransaction(knex, async (trx) => {
    const balanceCredits = await lockCreditAccount(trx, orgId);
    const field = await findRequestField(trx, orgId, requestId);
    if (field === null) return null;
    const batchIds = await lockRequestWork(trx, { orgId, requestId });
    const sorted = sortCandidates(await listCancelCandidates(trx, { orgId, requestId }));
    const refundedCredits = await endCancelled(trx, { orgId, requestId, field }, sorted.cancelled);
    const isOpen = Object.entries(sorted).some(([name, ids]) => name !== 'cancelledBefore' && ids.length > 0);
    if (isOpen) await markRequestCancelled(trx, requestId);
    const completedBatchCount = await completeEmptyBatches(trx, batchIds);
    return {
      ...sorted,
      refundedCredits,
      balanceCredits: balanceCredits + refundedCredits,
      completedBatchCount,
    };
  });
}

async function endCancelled(
  trx: Knex.Transaction,
  request: { orgId: string; requestId: string; field: Field },
  enrichmentIds: readonly string[],
): Promise<number> {
  if (enrichmentIds.length === 0) return 0;
  const endings = enrichmentIds.map(toEnding);
  const { refundedCredits } = await endEnrichments(
    trx,
    request,
    endings,
    'cancelled before a provider was asked',
  );
  return refundedCredits;
}

function toEnding(enrichmentId: string): Ending {
  const error = 'Cancelled before a provider was asked. It costs nothing; ask again when it is wanted.';
  return { enrichmentId, found: false, status: 'cancelled', error, lookupId: null, attempts: [] };
}

type Sorted = Pick<Cancellation, 'cancelled' | 'cancelledBefore' | 'asked' | 'listedElsewhere' | 'reused'>;

function sortCandidates(candidates: readonly CancelCandidate[]): Sorted {
  const sorted: Sorted = { cancelled: [], cancelledBefore: [], asked: [], listedElsewhere: [], reused: [] };
  for (const candidate of candidates) sorted[fateOf(candidate)].push(candidate.enrichmentId);
  return sorted;
}

function fateOf(candidate: CancelCandidate): keyof Sorted {
  if (candidate.status === 'cancelled') return 'cancelledBefore';
  if (!candidate.isOwn) return 'reused';
  if (candidate.isAsked) return 'asked';
  return candidate.isListedElsewhere ? 'listedElsewhere' : 'cancelled';
}
