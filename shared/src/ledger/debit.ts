import { queryPrepared, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';
import { newId } from '../domain/ids';
import { OPERATION_OF_FIELD } from '../domain/pricing';

export interface Debit {
  orgId: string;
  /** What the history refers to. */
  requestId: string;
  field: Field;
  /** How many enrichments are paid for. */
  count: number;
  unitPriceCredits: number;
  at: Date;
}

export interface DebitReceipt {
  /** Null where nothing was to be paid: there is no transaction of 0. */
  transactionId: string | null;
  amountCredits: number;
  balanceCredits: number;
  /** The organisation's threshold, where this very debit took the balance below it; null otherwise. */
  crossedThresholdCredits: number | null;
}

/**
 * Takes credits and writes the transaction that says so, in one statement: both or neither. The balance is compared
 * by the UPDATE itself, never with one read earlier, so it cannot go below 0. Null where the balance is too small; then
 * nothing was written. The caller holds the account lock.
 */
export async function debitCredits(db: Db, debit: Debit): Promise<DebitReceipt | null> {
  const amountCredits = debit.count * debit.unitPriceCredits;
  const transactionId = amountCredits > 0 ? newId() : null;
  const [paid] = await queryPrepared<{ balance: number; threshold: number | null }>(
    db,
    transactionId ? DEBIT_SQL : BALANCE_SQL,
    {
      ...debit,
      id: transactionId ?? '',
      amount: amountCredits,
      operation: OPERATION_OF_FIELD[debit.field],
      description: `${debit.count} × ${debit.field} at ${debit.unitPriceCredits} credits`,
      metadata: JSON.stringify({ count: debit.count, unitPrice: debit.unitPriceCredits }),
    },
  );
  if (!paid) return null;
  const { balance: balanceCredits, threshold } = paid;
  const isCrossed =
    threshold !== null && balanceCredits < threshold && balanceCredits + amountCredits >= threshold;
  const crossedThresholdCredits = isCrossed ? threshold : null;
  return { transactionId, amountCredits, balanceCredits, crossedThresholdCredits };
}

const BALANCE_SQL = `SELECT balance, low_credits_threshold AS threshold FROM credit_accounts WHERE org_id = :orgId`;

const DEBIT_SQL = `
  WITH paid AS (
    UPDATE credit_accounts SET balance = balance - :amount
    WHERE org_id = :orgId AND balance >= :amount
    RETURNING balance, low_credits_threshold AS threshold
  ), written AS (
    INSERT INTO credit_transactions
      (id, org_id, type, amount, operation_type, reference_id, description, metadata, created_at, updated_at)
    SELECT :id, :orgId, 'credit_consumed', :amount, :operation, :requestId, :description, :metadata, :at, :at FROM paid
  )
  SELECT balance, threshold FROM paid`;
