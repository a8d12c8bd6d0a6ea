/** What must hold after every fault, once the work has drained. */
import { query, type Knex } from '@leadwell/shared/db/database';
import { suppressionError } from '@leadwell/shared/domain/suppression';
import { audit } from '@leadwell/shared/ledger/audit';
import { waitUntil } from '@leadwell/shared/testing/wait-until';

/** Enrichments that are still pending; those whose database cannot be asked just now count too. */
export async function countPending(knex: Knex): Promise<number> {
  try {
    const [row] = await query<{ count: number }>(
      knex,
      `SELECT count(*) FROM enrichments WHERE status = 'pending'`,
    );
    return row?.count ?? 0;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Waits until fewer than `below` are pending, of work that was accepted before. */
export function untilPendingBelow(knex: Knex, below: number, timeoutMs = 120_000): Promise<true> {
  return waitUntil(async () => (await countPending(knex)) < below, {
    timeoutMs,
    message: `fewer than ${below} enrichments to be pending`,
  });
}

export interface Outcome {
  total: number;
  found: number;
  finished: number;
  /** Failed for any other reason than that a provider may not speak of the person, or did not earlier. */
  broken: number;
  refunded: number;
  balance: number;
  /** Batches that are not complete: nobody would ever look at a pending row of a complete one, nor need to at these. */
  openBatches: number;
  /** Invariants of the audit that are violated. */
  violations: string[];
}

/** How an organisation's enrichments ended, and what the audit says of everybody's. */
export async function readOutcome(knex: Knex, orgId: string): Promise<Outcome> {
  const [row] = await query<Omit<Outcome, 'violations'>>(
    knex,
    `SELECT count(*) AS total, count(*) FILTER (WHERE data_found) AS found, count(refund_transaction_id) AS refunded,
            count(*) FILTER (WHERE status = 'finished') AS finished,
            count(*) FILTER (WHERE status <> 'finished' AND error <> :refused
                             AND error NOT LIKE '%may not give data about this person%') AS broken,
            (SELECT balance FROM credit_accounts WHERE org_id = :orgId) AS balance,
            (SELECT count(*) FROM batches WHERE org_id = :orgId AND completed_at IS NULL) AS "openBatches"
       FROM enrichments WHERE org_id = :orgId`,
    { orgId, refused: suppressionError(true) },
  );
  const { invariants } = await audit(knex);
  return {
    ...(row as Omit<Outcome, 'violations'>),
    violations: invariants.filter((one) => one.violations > 0).map((one) => one.name),
  };
}

/** Each of `total` leads at `price` was charged or refunded exactly once, out of `credits`. */
export function settledOnce(outcome: Outcome, expected: { total: number; price: number; credits: number }) {
  expect(outcome).toMatchObject({
    total: expected.total,
    refunded: expected.total - outcome.found,
    balance: expected.credits - expected.price * outcome.found,
    openBatches: 0,
    violations: [],
  });
}
