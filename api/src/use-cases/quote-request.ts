import type { Knex } from '@leadwell/shared/db/database';
import { readBalance } from '@leadwell/shared/repositories/credits';
import type { Order } from './order';
import { planOrder, resolveSelection, type PlanningDependencies } from './plan-order';

/** What an order would select and cost now. */
export interface Quote {
  selected: number;
  /** Leads that cost nothing: enriched already, under way, or answered by a stored answer. */
  free: number;
  /** Leads that would be paid. */
  new: number;
  required: number;
  available: number;
  /** Credits that are missing; 0 where there are enough. */
  short: number;
}

/** Tells what an order would cost, without locking or writing anything. A promise of nothing: the balance may move before the order comes. */
export async function quoteRequest(
  deps: PlanningDependencies & { knex: Knex },
  order: Order,
): Promise<Quote> {
  const plan = await planOrder(deps.knex, deps, order, await resolveSelection(deps.knex, order));
  const available = await readBalance(deps.knex, order.orgId);
  return {
    selected: plan.rows.length,
    free: plan.rows.length - plan.paidCount,
    new: plan.paidCount,
    required: plan.requiredCredits,
    available,
    short: Math.max(0, plan.requiredCredits - available),
  };
}
