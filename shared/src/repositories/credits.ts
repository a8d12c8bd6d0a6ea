import { execute, query, type Db } from '../db/database';

/** An entry of an organisation's credit history. The amount is positive; the direction is in the type. */
export interface CreditTransaction {
  id: string;
  organizationId: string;
  type: 'credit_added' | 'credit_consumed' | 'credit_refunded';
  amount: number;
  operationType: 'enrichment_email' | 'enrichment_phone' | null;
  source: string | null;
  referenceId: string | null;
  description: string;
  metadata: unknown;
  createdAt: Date;
  updatedAt: Date;
}

/** Where a page of the history ended: the next begins after it. The time is text, because a Date would drop its microseconds. */
export interface HistoryPosition {
  createdAt: string;
  id: string;
}

export interface HistoryQuery {
  orgId: string;
  startDate: Date | null;
  endDate: Date | null;
  /** Null: from the newest. */
  after: HistoryPosition | null;
  offset: number;
  limit: number;
}

/** The credits that an organisation has now; 0 where it has no account. */
export async function readBalance(db: Db, orgId: string): Promise<number> {
  const [row] = await query<{ balance: number }>(db, 'SELECT balance FROM credit_accounts WHERE org_id = ?', [
    orgId,
  ]);
  return row?.balance ?? 0;
}

/** An account as its organisation sees it. */
export interface CreditStanding {
  balanceCredits: number;
  /** Null: none was set. */
  lowCreditsThreshold: number | null;
  /** The balance is below the threshold. */
  isLow: boolean;
}

/** What an organisation has, and whether that is low; nothing, and not low, where it has no account. */
export async function readCreditStanding(db: Db, orgId: string): Promise<CreditStanding> {
  const [row] = await query<CreditStanding>(
    db,
    `SELECT balance AS "balanceCredits", low_credits_threshold AS "lowCreditsThreshold",
            COALESCE(balance < low_credits_threshold, false) AS "isLow"
     FROM credit_accounts WHERE org_id = ?`,
    [orgId],
  );
  return row ?? { balanceCredits: 0, lowCreditsThreshold: null, isLow: false };
}

/** Sets below which balance an organisation is low on credits; null: nobody is to be told. False where it has no account. */
export async function setLowCreditsThreshold(
  db: Db,
  orgId: string,
  thresholdCredits: number | null,
): Promise<boolean> {
  const changed = await execute(
    db,
    'UPDATE credit_accounts SET low_credits_threshold = :thresholdCredits WHERE org_id = :orgId',
    { orgId, thresholdCredits },
  );
  return changed > 0;
}

/** One page of the history, newest first, and where it ended (null on an empty page). The end date counts to its last millisecond. */
export async function listCreditTransactions(
  db: Db,
  wanted: HistoryQuery,
): Promise<{ transactions: CreditTransaction[]; end: HistoryPosition | null }> {
  const rows = await query<CreditTransaction & { position: string }>(db, HISTORY_SQL, {
    orgId: wanted.orgId,
    startDate: wanted.startDate,
    endDate: wanted.endDate,
    afterTime: wanted.after?.createdAt ?? null,
    afterId: wanted.after?.id ?? null,
    offset: wanted.offset,
    limit: wanted.limit,
  });
  const last = rows.at(-1);
  const transactions = rows.map(({ position, ...transaction }) => {
    void position;
    return transaction;
  });
  return { transactions, end: last ? { createdAt: last.position, id: last.id } : null };
}

// Infinity stands for what is not asked: a plain comparison keeps the index, an OR would not.
const HISTORY_SQL = `
  SELECT id, org_id AS "organizationId", type, amount, operation_type AS "operationType", source,
         reference_id AS "referenceId", description, metadata, created_at AS "createdAt", updated_at AS "updatedAt",
         created_at::text AS position
  FROM credit_transactions
  WHERE org_id = :orgId
    AND created_at >= COALESCE(CAST(:startDate AS timestamptz), '-infinity')
    AND created_at < COALESCE(CAST(:endDate AS timestamptz) + interval '1 millisecond', 'infinity')
    AND (created_at, id) < (COALESCE(CAST(:afterTime AS timestamptz), 'infinity'),
                            COALESCE(CAST(:afterId AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  ORDER BY created_at DESC, id DESC
  OFFSET :offset LIMIT :limit`;
