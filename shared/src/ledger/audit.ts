import type { Knex } from '../db/database';
import { execute, query } from '../db/database';
import { allowStatementTime } from '../db/silence';

export interface AuditResult {
  /** Whether nothing is violated. */
  ok: boolean;
  /** All six, in a fixed order, with how many accounts, transactions or rows violate each. */
  invariants: { name: string; violations: number }[];
}

/**
 * Counts what violates the six invariants of money and accepted work, in one snapshot: an audit beside running work sees
 * each transaction whole or not at all. Exact; superseded rows count too. Changes nothing, and nothing waits for it but `data drop`.
 * Reads every enrichment and transaction a few times: seconds for millions of rows.
 */
export async function audit(knex: Knex): Promise<AuditResult> {
  return check(knex, Object.keys(INVARIANTS) as InvariantName[], 0);
}

/** Those that read the ledger and the pending rows, and not every enrichment there ever was. */
const QUICK: readonly InvariantName[] = [
  'balance_equals_transactions',
  'pending_rows_are_batched',
  'no_row_outlives_its_deadline',
];

/** As audit, but only the three quick invariants; each statement is given up, as a database error, after `limitMs`. */
export async function auditQuickly(knex: Knex, limitMs: number): Promise<AuditResult> {
  return check(knex, QUICK, limitMs);
}

/**
 * As audit, beside running work for ever: one at a time, whoever calls it (null where one is running), and each invariant,
 * which is one statement, in a snapshot of its own, for a snapshot that stays open keeps dead rows from being removed.
 * Given up, as a database error, where one of them has taken `limitMs`, or when `signal` aborts.
 */
export async function auditInTurn(
  knex: Knex,
  limitMs: number,
  signal: AbortSignal,
): Promise<AuditResult | null> {
  return knex.transaction(async (trx) => {
    const [turn] = await query<{ pid: number; isOurs: boolean }>(
      trx,
      `SELECT pg_backend_pid() AS pid, pg_try_advisory_xact_lock(hashtext('leadwell audit')) AS "isOurs"`,
    );
    if (!turn?.isOurs) return null;
    const cancel = (): void => {
      // Fails only where the connection is gone, and the audit with it.
      execute(knex, 'SELECT pg_cancel_backend(?)', [turn.pid]).catch(() => undefined);
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await countViolations(trx, Object.keys(INVARIANTS) as InvariantName[], limitMs, signal);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }, SNAPSHOT_EACH);
}

const ONE_SNAPSHOT = { isolationLevel: 'repeatable read', readOnly: true } as const;
const SNAPSHOT_EACH = { isolationLevel: 'read committed', readOnly: true } as const;

/** `limitMs` 0: as long as it takes. */
async function check(knex: Knex, names: readonly InvariantName[], limitMs: number): Promise<AuditResult> {
  return knex.transaction(async (trx) => {
    // Before the first statement takes the snapshot: a month of requests that is dropped later is gone from it too, its batches are not.
    await execute(trx, 'LOCK TABLE ONLY requests IN ACCESS SHARE MODE');
    return countViolations(trx, names, limitMs);
  }, ONE_SNAPSHOT);
}

async function countViolations(
  trx: Knex.Transaction,
  names: readonly InvariantName[],
  limitMs: number,
  signal?: AbortSignal,
): Promise<AuditResult> {
  await allowStatementTime(trx, limitMs);
  // With the 4 MB of the default, a million rows are sorted on disk.
  await execute(trx, `SET LOCAL work_mem = '64MB'`);
  const invariants: AuditResult['invariants'] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    const [row] = await query<{ violations: number }>(trx, INVARIANTS[name]);
    if (!row) throw new Error(`The audit of ${name} gave no row.`);
    invariants.push({ name, violations: row.violations });
  }
  return { ok: invariants.every(({ violations }) => violations === 0), invariants };
}

type InvariantName = keyof typeof INVARIANTS;

/** By name: the statement that counts the violations. */
const INVARIANTS = {
  /** The balance of every organisation is what was added and refunded less what was consumed, and never negative. */
  balance_equals_transactions: `
    SELECT count(*) AS violations
    FROM credit_accounts AS account
    FULL JOIN (
      SELECT org_id, sum(CASE type WHEN 'credit_consumed' THEN -amount ELSE amount END) AS total
      FROM credit_transactions GROUP BY org_id
    ) AS ledger USING (org_id)
    WHERE account.org_id IS NULL OR account.balance < 0 OR account.balance <> COALESCE(ledger.total, 0)`,

  /**
   * Every consumption is the sum of the prices of its organisation's rows that name it as their debit, every refund of
   * those that name it as theirs; and nothing else is named. Full joins, so that neither side may lack the other.
   */
  transactions_equal_prices: `
    SELECT (
      SELECT count(*)
      FROM (SELECT id, org_id, amount FROM credit_transactions WHERE type = 'credit_consumed') AS debit
      FULL JOIN (
        SELECT credit_transaction_id AS id, org_id, sum(price) AS total
        FROM enrichments WHERE credit_transaction_id IS NOT NULL GROUP BY credit_transaction_id, org_id
      ) AS rows USING (id, org_id)
      WHERE COALESCE(debit.amount, 0) <> COALESCE(rows.total, 0) OR debit.amount IS NULL
    ) + (
      SELECT count(*)
      FROM (SELECT id, org_id, amount FROM credit_transactions WHERE type = 'credit_refunded') AS refund
      FULL JOIN (
        SELECT refund_transaction_id AS id, org_id, sum(price) AS total
        FROM enrichments WHERE refund_transaction_id IS NOT NULL GROUP BY refund_transaction_id, org_id
      ) AS rows USING (id, org_id)
      WHERE COALESCE(refund.amount, 0) <> COALESCE(rows.total, 0) OR refund.amount IS NULL
    ) AS violations`,

  /** A row is refunded exactly where it was paid for and ended without data; it is free exactly where it has no debit. */
  refunds_match_outcomes: `
    SELECT count(*) AS violations
    FROM enrichments
    WHERE (refund_transaction_id IS NOT NULL) <> (price > 0 AND status <> 'pending' AND data_found IS NOT TRUE)
       OR (price = 0) <> (credit_transaction_id IS NULL)`,

  /** At most one row per organisation, lead and field is live. Counts the groups that have more. */
  one_live_row: `
    SELECT count(*) AS violations
    FROM (
      SELECT 1 FROM enrichments WHERE superseded_at IS NULL
      GROUP BY org_id, entity_type, entity_id, field HAVING count(*) > 1
    ) AS doubled`,

  /** Every pending row belongs to a batch that is not complete, or nobody would ever work it; every batch has its request. */
  pending_rows_are_batched: `
    SELECT (
      SELECT count(*)
      FROM enrichments LEFT JOIN batches ON batches.id = enrichments.batch_id
      WHERE enrichments.status = 'pending' AND (batches.id IS NULL OR batches.completed_at IS NOT NULL)
    ) + (
      SELECT count(*)
      FROM batches LEFT JOIN requests ON requests.id = batches.request_id
      WHERE requests.id IS NULL
    ) AS violations`,

  /**
   * No row pends more than 60 seconds past its deadline. Compared with the transaction's beginning, not with the clock:
   * the snapshot is as old as that, and what was ended since is still pending in it.
   */
  no_row_outlives_its_deadline: `
    SELECT count(*) AS violations
    FROM enrichments JOIN batches ON batches.id = enrichments.batch_id
    WHERE enrichments.status = 'pending' AND batches.deadline_at < now() - interval '60 seconds'`,
} as const satisfies Record<string, string>;
