import { execute, type Db } from '../db/database';
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
 * Gives credits back: one transaction and the balance, in one statement. Not idempotent by itself: the caller sums
 * the rows that its own `UPDATE … WHERE status = 'pending' … RETURNING` ended, which happens once for a row, and
 * holds the account lock.
 */
export async function refundCredits(db: Db, refund: Refund): Promise<void> {
  await execute(
    db,
    `WITH refunded AS (
       INSERT INTO credit_transactions (id, org_id, type, amount, operation_type, reference_id, description, metadata)
       VALUES (:id, :orgId, 'credit_refunded', :amountCredits, :operationType, :requestId, :reason,
               jsonb_build_object('count', :enrichmentCount::int, 'unitPrice', :amountCredits::int / :enrichmentCount::int))
       RETURNING org_id, amount
     )
     UPDATE credit_accounts a SET balance = a.balance + r.amount FROM refunded r WHERE a.org_id = r.org_id`,
    { ...refund, operationType: OPERATION_OF_FIELD[refund.field] },
  );
}
