import type { Field } from '@leadwell/shared/domain/enrichment';
import type { Provider } from './provider';

/** What one lead may cost at providers for one field in one round; all amounts in the unit of `creditPrice`. */
export interface Budget {
  amount: number;
  /** What a charge of so many of a provider's own credits is. */
  costOf(provider: string, credits: number): number;
  /** What one question may be charged at most. */
  largestCostOf(provider: string): number;
}

/** The operator's price of one credit of each provider; 1 where a provider is not named. */
export type CreditPrices = ReadonlyMap<string, number>;

export function createBudget(
  field: Field,
  amount: number,
  providers: readonly Provider[],
  prices: CreditPrices,
): Budget {
  const largest = new Map(
    providers.map(({ name, adapter }) => [name, adapter.fields[field]?.maxCostCredits ?? 0]),
  );
  const costOf = (provider: string, credits: number): number => credits * (prices.get(provider) ?? 1);
  return { amount, costOf, largestCostOf: (provider) => costOf(provider, largest.get(provider) ?? 0) };
}

/** Whether so much fits a budget: sums of fractions are not exact. */
export function isWithin(budget: Budget, cost: number): boolean {
  return cost <= budget.amount + 1e-9;
}
