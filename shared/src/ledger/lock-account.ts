import { queryPrepared, type Db } from '../db/database';

/**
 * Locks an organisation's credit account until the transaction ends and gives its balance in credits. Accepts, settles,
 * sweeps and cancels of one organisation thereby follow one another. It comes before every lock on enrichments, also when no
 * money will move: an accept that waits for a row which a settle is ending would otherwise deadlock with that settle's refund.
 *
 * A statement of its own on purpose: what must be seen after the lock is read by a later one, because a statement's
 * snapshot is older than the lock that it waited for. NO KEY, so that rows which reference the account need not wait.
 * Throws where the organisation has no account.
 */
export async function lockCreditAccount(db: Db, orgId: string): Promise<number> {
  const [account] = await queryPrepared<{ balance: number }>(
    db,
    'SELECT balance FROM credit_accounts WHERE org_id = ? FOR NO KEY UPDATE',
    [orgId],
  );
  if (!account) throw new Error(`Organisation ${orgId} has no credit account.`);
  return account.balance;
}

/** Locks those of these organisations' accounts that nobody has locked, and gives their organisations. Never waits. As lockCreditAccount. */
export async function lockFreeAccounts(db: Db, orgIds: readonly string[]): Promise<Set<string>> {
  const rows = await queryPrepared<{ orgId: string }>(
    db,
    `SELECT org_id AS "orgId" FROM credit_accounts WHERE org_id = ANY(:orgIds::uuid[]) ORDER BY org_id FOR NO KEY UPDATE SKIP LOCKED`,
    { orgIds: [...new Set(orgIds)] },
  );
  return new Set(rows.map(({ orgId }) => orgId));
}
