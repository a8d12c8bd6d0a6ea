import type { Budget } from '@leadwell/providers/budget';
import type { Db } from '@leadwell/shared/db/database';
import { listCharges } from '@leadwell/shared/repositories/attempts';
import type { WorkRow } from './work-row';

/**
 * Brings `spentCost` of rows up to what their attempts were charged, whoever made them: read from the database, since a crash, or
 * another's poll, may have charged a row that this process never saw charged. An answer whose cost nobody tells counts as the provider's largest.
 */
export async function readSpending(db: Db, rows: readonly WorkRow[], budget: Budget): Promise<void> {
  const charges = await listCharges(
    db,
    rows.map(({ enrichmentId }) => enrichmentId),
  );
  for (const row of rows) row.spentCost = 0;
  const byId = new Map(rows.map((row) => [row.enrichmentId, row]));
  for (const { enrichmentId, provider, credits } of charges) {
    const row = byId.get(enrichmentId);
    if (row)
      row.spentCost += credits === null ? budget.largestCostOf(provider) : budget.costOf(provider, credits);
  }
}
