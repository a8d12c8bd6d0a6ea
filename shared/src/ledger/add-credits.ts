import { query, type Db } from '../db/database';
import { newId } from '../domain/ids';
import { lockCreditAccount } from './lock-account';

/** Credits that one addition may bring at most. Sums of many stay far below 2^53, where numbers become inexact. */
export const MAX_ADDED_CREDITS = 1_000_000_000_000;

export interface CreditAddition {
  orgId: string;
  /** 1 to MAX_ADDED_CREDITS. */
  amountCredits: number;
  source: 'manual' | 'signup_bonus' | 'stripe_subscription' | 'stripe_purchase';
  /** For the history; empty: none. */
  description: string;
}

/**
 * Adds credits and writes the transaction that says so, in one statement: both or neither. Gives the new balance.
 * Not idempotent: every call adds. Runs in the caller's transaction and locks the account until that ends.
 * Throws RangeError for an amount out of range, and where the organisation has no account.
 */
export async function addCredits(trx: Db, addition: CreditAddition): Promise<number> {
  const { amountCredits } = addition;
  if (!Number.isSafeInteger(amountCredits) || amountCredits < 1 || amountCredits > MAX_ADDED_CREDITS)
    throw new RangeError(`An addition is 1 to ${MAX_ADDED_CREDITS} credits, not ${amountCredits}.`);
  await lockCreditAccount(trx, addition.orgId);
  const [account] = await query<{ balance: number }>(trx, ADD_SQL, { id: newId(), ...addition });
  if (!account) throw new Error(`Organisation ${addition.orgId} has no credit account.`);
  return account.balance;
}

const ADD_SQL = `
  WITH added AS (
    UPDATE credit_accounts SET balance = balance + :amountCredits WHERE org_id = :orgId RETURNING balance
  ), written AS (
    INSERT INTO credit_transactions (id, org_id, type, amount, source, description)
    SELECT :id, :orgId, 'credit_added', :amountCredits, :source, :description FROM added
  )
  SELECT balance FROM added`;
