/** The audit after the drain: each list names what is wrong, and is empty in a good run. */
import { query, type Knex } from '@leadwell/shared/db/database';
import { audit } from '@leadwell/shared/ledger/audit';
import type { Journal } from './journal';

export interface Verdict {
  /** Enrichments that are still pending, and batches that are not complete. */
  stranded: string[];
  /** Leads of an organisation that more than one unrefunded row was paid for, and requests with more than one debit. */
  chargedTwice: string[];
  /** Credits that are neither on an account nor paid for a row with data, over all organisations. */
  leakedCredits: number;
  /** Enrichments that a 2xx named and that do not exist, and keys under which answers differed. */
  falseSuccess: string[];
  /** Violated invariants of the audit, with their counts. */
  violations: string[];
}

export async function judge(knex: Knex, journal: Journal): Promise<Verdict> {
  const { invariants } = await audit(knex);
  const [leaked] = await query<{ credits: number }>(knex, LEAKED);
  return {
    stranded: await listIds(knex, STRANDED),
    chargedTwice: await listIds(knex, CHARGED_TWICE),
    leakedCredits: leaked?.credits ?? 0,
    falseSuccess: [...journal.differing, ...(await listMissing(knex, journal))],
    violations: invariants.filter((one) => one.violations > 0).map((one) => `${one.name}: ${one.violations}`),
  };
}

const STRANDED = `
  SELECT id::text FROM enrichments WHERE status = 'pending'
  UNION ALL SELECT 'batch ' || id FROM batches WHERE completed_at IS NULL`;

const CHARGED_TWICE = `
  SELECT min(id::text) AS id FROM enrichments WHERE price > 0 AND refund_transaction_id IS NULL
   GROUP BY org_id, entity_type, entity_id, field HAVING count(*) > 1
  UNION ALL
  SELECT 'request ' || reference_id FROM credit_transactions WHERE type = 'credit_consumed'
   GROUP BY reference_id HAVING count(*) > 1`;

const LEAKED = `
  SELECT coalesce(sum(abs(added - balance - spent)), 0) AS credits
    FROM (SELECT a.balance,
                 (SELECT coalesce(sum(amount), 0) FROM credit_transactions t
                   WHERE t.org_id = a.org_id AND t.type = 'credit_added') AS added,
                 (SELECT coalesce(sum(price), 0) FROM enrichments e WHERE e.org_id = a.org_id AND e.data_found) AS spent
            FROM credit_accounts a) AS accounts`;

async function listIds(knex: Knex, sql: string): Promise<string[]> {
  return (await query<{ id: string }>(knex, sql)).map(({ id }) => id);
}

async function listMissing(knex: Knex, journal: Journal): Promise<string[]> {
  const ids = [...new Set(journal.told.flatMap((told) => told.enrichmentIds))];
  const missing = await query<{ id: string }>(
    knex,
    `SELECT t.id FROM unnest(:ids::uuid[]) AS t (id) WHERE NOT EXISTS (SELECT 1 FROM enrichments e WHERE e.id = t.id)`,
    { ids },
  );
  return missing.map(({ id }) => id);
}
