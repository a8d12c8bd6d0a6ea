import type { Config } from '@leadwell/shared/config/config';
import type { Knex } from '@leadwell/shared/db/database';
import { inTransaction } from '@leadwell/shared/db/transaction';
import type { Enrichment } from '@leadwell/shared/domain/enrichment';
import { AppError } from '@leadwell/shared/domain/errors';
import { debitCredits, type DebitReceipt } from '@leadwell/shared/ledger/debit';
import { lockCreditAccount } from '@leadwell/shared/ledger/lock-account';
import { keepAnswer } from '@leadwell/shared/repositories/idempotency-keys';
import { newId } from '@leadwell/shared/domain/ids';
import type { Logger } from 'pino';
import type { Order } from './order';
import { planOrder, resolveSelection, type Plan, type PlanningDependencies } from './plan-order';
import { publishSoon, type Publisher } from './publish-soon';
import { replayAnswer } from './replay-answer';
import { writeRequest } from './write-request';

export interface AcceptDependencies extends PlanningDependencies {
  knex: Knex;
  publisher: Publisher;
  logger: Logger;
  config: Pick<
    Config,
    'shareResults' | 'emailCredits' | 'phoneCredits' | 'batchSize' | 'enrichmentDeadlineHours'
  >;
}

/** An accepted order: the enrichments of its leads in selection order, and what it took. */
export interface Acceptance {
  requestId: string;
  enrichments: Enrichment[];
  creditsCharged: number;
  creditsBalance: number;
  /** The answer to an earlier call with the same Idempotency-Key; nothing was written or charged now. */
  isReplay: boolean;
}

/**
 * Accepts an order: splits its selection into what exists, what a stored answer ends at once, and what is to be paid;
 * debits the price and writes the pending rows and their batches, all in one transaction or not at all. After the commit the
 * relay is told, without waiting: if that fails, its next check finds the batches.
 *
 * Throws INSUFFICIENT_CREDITS where the balance or maxCredits is too small, CONFLICT while a call with the same key is in
 * flight, IDEMPOTENCY_MISMATCH for another body under it, and what the selection says of unknown leads.
 */
export async function acceptRequest(deps: AcceptDependencies, order: Order): Promise<Acceptance> {
  const { crossedThresholdCredits, ...acceptance } = await inTransaction(deps.knex, (trx) =>
    acceptInside(trx, deps, order),
  );
  if (crossedThresholdCredits !== null) {
    const { creditsBalance: balanceCredits } = acceptance;
    deps.logger.warn(
      { orgId: order.orgId, balanceCredits, thresholdCredits: crossedThresholdCredits },
      'an organisation is low on credits: this debit took its balance below its threshold',
    );
  }
  const hasWork = acceptance.enrichments.some((enrichment) => enrichment.status === 'pending');
  if (hasWork && !acceptance.isReplay) publishSoon(deps, order.orgId);
  return acceptance;
}

/** The lock order: the idempotency key, the credit account, then the rows. Each read of what a lock guards is a later statement. */
async function acceptInside(
  trx: Knex.Transaction,
  deps: AcceptDependencies,
  order: Order,
): Promise<Acceptance & Pick<DebitReceipt, 'crossedThresholdCredits'>> {
  const replayed = order.idempotency && (await replayAnswer(trx, order.orgId, order.idempotency));
  if (replayed) return { ...replayed, crossedThresholdCredits: null };

  const leadIds = await resolveSelection(trx, order);
  const availableCredits = await lockCreditAccount(trx, order.orgId);
  const plan = await planOrder(trx, deps, order, leadIds);
  if (order.maxCredits !== null && plan.requiredCredits > order.maxCredits) {
    throw insufficientCredits(plan, Math.min(availableCredits, order.maxCredits));
  }

  const requestId = newId();
  const receipt = await pay(trx, order, plan, { requestId, availableCredits });
  const enrichments = await writeRequest(trx, deps.config, { id: requestId, order, plan, receipt });
  if (order.idempotency) {
    await keepAnswer(trx, { orgId: order.orgId, ...order.idempotency, requestId, at: plan.at });
  }
  return {
    requestId,
    enrichments,
    creditsCharged: receipt.amountCredits,
    creditsBalance: receipt.balanceCredits,
    isReplay: false,
    crossedThresholdCredits: receipt.crossedThresholdCredits,
  };
}

async function pay(
  trx: Knex.Transaction,
  order: Order,
  plan: Plan,
  { requestId, availableCredits }: { requestId: string; availableCredits: number },
): Promise<DebitReceipt> {
  const receipt = await debitCredits(trx, {
    orgId: order.orgId,
    requestId,
    field: order.field,
    count: plan.paidCount,
    unitPriceCredits: plan.unitPriceCredits,
    at: plan.at,
  });
  if (!receipt) throw insufficientCredits(plan, availableCredits);
  return receipt;
}

function insufficientCredits(plan: Plan, available: number): AppError {
  const required = plan.requiredCredits;
  return new AppError(
    'INSUFFICIENT_CREDITS',
    `This costs ${required} credits; ${available} may be spent. Add credits, select fewer leads, or raise maxCredits.`,
    { details: [{ required, available, short: required - available }] },
  );
}
