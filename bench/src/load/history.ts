import type { BenchDatabase } from '../servers/bench-database';
import { listIndexes } from './directory';

/** Leads of each request: ten, so that transactions are a tenth of the enrichments. */
const LEADS_A_REQUEST = 10;
const TABLES = [
  'enrichments',
  'request_enrichments',
  'requests',
  'batches',
  'credit_transactions',
  'lookups',
];

/**
 * Gives each organisation a found e-mail address for every lead of the directory, as finished requests of ten leads would have
 * left them: transactions, requests, batches, rows, lists, and a lookup of each lead. Then ANALYZE. Indexes are made after the
 * rows, and foreign keys, which hold by how the rows are made, are not looked up.
 */
export async function loadHistory(
  database: BenchDatabase,
  orgIds: readonly string[],
  say: (text: string) => void,
): Promise<void> {
  const indexes = await listIndexes(database, TABLES);
  const client = await database.connect();
  await client.query('SET session_replication_role = replica');
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  await client.query(LOOKUPS_SQL);
  for (const [index, orgId] of orgIds.entries()) {
    say(`loading enrichments, organisation ${index + 1} of ${orgIds.length}`);
    await client.query(NUMBERS_SQL);
    await client.query(ORDERS_SQL, [orgId]);
    await client.query(ROWS_SQL, [orgId]);
    await client.query('DROP TABLE loaded_orders');
  }
  for (const { name, definition } of indexes) {
    say(`making ${name}`);
    await client.query(definition);
  }
  await client.end();
  await database.load([]);
}

const LOOKUPS_SQL = `
  INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
  SELECT id, 'hunter', 'http://history.example', 'emails', name_domain_hash, '00000000-0000-0000-0000-000000000000', 'hit', now(), now(),
         now() + interval '30 days', '[]'
    FROM people ORDER BY name_domain_hash`;

/** An order has its number, by which its leads are found. */
const NUMBERS_SQL = `
  CREATE TEMP TABLE loaded_orders AS
  SELECT n, uuidv7() AS request_id, uuidv7() AS transaction_id, uuidv7() AS batch_id
    FROM generate_series(0, (SELECT (max(seq) - 1) / ${LEADS_A_REQUEST} FROM people)) AS n`;

const ORDERS_SQL = `
  WITH transactions AS (
    INSERT INTO credit_transactions (id, org_id, type, amount, operation_type, reference_id)
    SELECT transaction_id, $1::uuid, 'credit_consumed', 50, 'enrichment_email', request_id FROM loaded_orders
  ), requests AS (
    INSERT INTO requests (id, org_id, created_by, field, mode, total, credits_charged, credit_transaction_id)
    SELECT request_id, $1, 'history', 'emails', 'manual', ${LEADS_A_REQUEST}, 50, transaction_id FROM loaded_orders
  )
  INSERT INTO batches (id, org_id, request_id, field, priority, size, deadline_at, next_check_at, started_at, completed_at)
  SELECT batch_id, $1, request_id, 'emails', 1, ${LEADS_A_REQUEST}, now() + interval '1 day', now(), now(), now() FROM loaded_orders`;

const ROWS_SQL = `
  WITH rows AS MATERIALIZED (
    SELECT uuidv7() AS id, p.id AS lead_id, (p.seq - 1) % ${LEADS_A_REQUEST} AS position, o.*
      FROM people p JOIN loaded_orders o ON o.n = (p.seq - 1) / ${LEADS_A_REQUEST} ORDER BY p.seq
  ), list AS (
    INSERT INTO request_enrichments (request_id, position, enrichment_id) SELECT request_id, position, id FROM rows
  )
  INSERT INTO enrichments (id, org_id, entity_id, field, status, data_found, created_by, request_id, batch_id, lookup_id, price,
    credit_transaction_id, created_at, updated_at, ended_at)
  SELECT id, $1::uuid, lead_id, 'emails', 'finished', true, 'history', request_id, batch_id, lead_id, 5, transaction_id, now(), now(), now()
    FROM rows`;
