import { executePrepared, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';
import { OPERATION_OF_FIELD } from '../domain/pricing';

export interface Refund {
  /** The transaction's id, which the refunded enrichments already name. */
  id: string;
  orgId: string;
  requestId: string;
  field: Field;
  amountCredits: number;
  /** All of one request, and so of one price. */
  enrichmentCount: number;
  reason: string;
}

/**
 * Gives credits back: a transaction for each request and the balances, in one statement. Not idempotent by itself: the caller sums
 * the rows that its own `UPDATE … WHERE status = 'pending' … RETURNING` ended, which happens once for a row, and
 * holds the account locks.
 */
export async function refundCredits(db: Db, refunds: readonly Refund[]): Promise<void> {
  if (refunds.length === 0) return;
  const rows = refunds.map(({ field, ...refund }) => ({
    ...refund,
    operationType: OPERATION_OF_FIELD[field],
  }));
  await executePrepared(
    db,
    `WITH refunded AS (
       INSERT INTO credit_transactions (id, org_id, type, amount, operation_type, reference_id, description, metadata)
       SELECT r.id, r."orgId", 'credit_refunded', r."amountCredits", r."operationType", r."requestId", r.reason,
              jsonb_build_object('count', r."enrichmentCount", 'unitPrice', r."amountCredits" / r."enrichmentCount")
         FROM jsonb_to_recordset(:rows::jsonb) AS r (id uuid, "orgId" uuid, "requestId" uuid, "amountCredits" int,
              "enrichmentCount" int, "operationType" text, reason text)
       RETURNING org_id, amount
     )
     UPDATE credit_accounts a SET balance = a.balance + r.amount
       FROM (SELECT org_id, sum(amount) AS amount FROM refunded GROUP BY org_id) r WHERE a.org_id = r.org_id`,
    { rows: JSON.stringify(rows) },
  );
}
