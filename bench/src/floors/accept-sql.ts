/** The statements of an acceptance. Named: PostgreSQL parses and plans each once a connection. */
interface Statement {
  name: string;
  text: string;
}

export const AUTHENTICATE: Statement = {
  name: 'authenticate',
  text: `SELECT org_id, user_name, scopes FROM api_keys
         WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())`,
};

export const LOCK: Statement = {
  name: 'lock',
  text: 'SELECT balance, clock_timestamp() FROM credit_accounts WHERE org_id = $1 FOR NO KEY UPDATE',
};

export const LEADS: Statement = {
  name: 'leads',
  text: `SELECT s.lead_id, p.id, e.id, e.status FROM unnest($2::uuid[]) WITH ORDINALITY AS s (lead_id, position)
    LEFT JOIN LATERAL (SELECT id FROM people WHERE id = s.lead_id AND (org_id IS NULL OR org_id = $1) LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT id, status FROM enrichments WHERE org_id = $1 AND entity_type = 'person'
      AND entity_id = s.lead_id AND field = 'emails' AND superseded_at IS NULL LIMIT 1) e ON true
    ORDER BY s.position`,
};

export const HITS: Statement = {
  name: 'hits',
  text: `SELECT p.id, l.id FROM unnest($1::uuid[]) AS s (lead_id)
    CROSS JOIN LATERAL (SELECT id, name_domain_hash FROM people WHERE id = s.lead_id LIMIT 1) p
    CROSS JOIN LATERAL (SELECT id, state FROM lookups WHERE provider = 'hunter' AND base_url = 'http://floor' AND field = 'emails'
      AND input_hash = p.name_domain_hash AND scope = '00000000-0000-0000-0000-000000000000' LIMIT 1) l
    WHERE l.state = 'hit'`,
};

const TRANSACTION_COLUMNS = '(id, org_id, type, amount, operation_type, reference_id, description)';

export const DEBIT: Statement = {
  name: 'debit',
  text: `WITH paid AS (UPDATE credit_accounts SET balance = balance - $2::bigint WHERE org_id = $1 AND balance >= $2 RETURNING org_id)
    INSERT INTO credit_transactions ${TRANSACTION_COLUMNS}
    SELECT $3::uuid, org_id, 'credit_consumed', $2, 'enrichment_email', $4::uuid, 'floor' FROM paid`,
};

const REQUEST_COLUMNS =
  '(id, org_id, created_by, field, mode, total, credits_charged, credit_transaction_id)';

export const INSERT_REQUEST: Statement = {
  name: 'request',
  text: `INSERT INTO requests ${REQUEST_COLUMNS} VALUES ($1, $2, 'floor', 'emails', 'manual', $3, $4, $5)`,
};

const BATCH_COLUMNS = '(id, org_id, request_id, field, priority, size, deadline_at, next_check_at)';

/** Due never: workers that run beside a floor are to leave its batches alone. */
export const INSERT_BATCHES: Statement = {
  name: 'batches',
  text: `INSERT INTO batches ${BATCH_COLUMNS} SELECT b.id, $1, $2, 'emails', 1, b.size, now() + interval '1 day', 'infinity'
    FROM unnest($3::uuid[], $4::int[]) AS b (id, size)`,
};

const ENRICHMENT_COLUMNS = `(id, org_id, entity_id, field, status, created_by, request_id, batch_id, price,
  credit_transaction_id, created_at, updated_at)`;

export const INSERT_ENRICHMENTS: Statement = {
  name: 'enrichments',
  text: `INSERT INTO enrichments ${ENRICHMENT_COLUMNS}
    SELECT n.id, $1, n.lead_id, 'emails', 'pending', 'floor', $2, n.batch_id, $3, $4, now(), now()
    FROM unnest($5::uuid[], $6::uuid[], $7::uuid[]) AS n (id, lead_id, batch_id)`,
};

export const INSERT_LIST: Statement = {
  name: 'list',
  text: `INSERT INTO request_enrichments (request_id, position, enrichment_id)
    SELECT $1, l.position - 1, l.id FROM unnest($2::uuid[]) WITH ORDINALITY AS l (id, position)`,
};

/** All of the above from the debit on, by one statement. Foreign keys are checked at its end. */
export const WRITE_ALL: Statement = {
  name: 'write_all',
  text: `WITH paid AS (UPDATE credit_accounts SET balance = balance - $4::bigint WHERE org_id = $1::uuid AND balance >= $4),
    spent AS (INSERT INTO credit_transactions ${TRANSACTION_COLUMNS}
      VALUES ($5::uuid, $1, 'credit_consumed', $4, 'enrichment_email', $2::uuid, 'floor')),
    request AS (INSERT INTO requests ${REQUEST_COLUMNS}
      VALUES ($2, $1, 'floor', 'emails', 'manual', cardinality($6::uuid[]), $4, $5)),
    batch AS (INSERT INTO batches ${BATCH_COLUMNS} SELECT b.id, $1, $2, 'emails', 1, b.size, now() + interval '1 day', 'infinity'
      FROM unnest($9::uuid[], $10::int[]) AS b (id, size)),
    list AS (INSERT INTO request_enrichments (request_id, position, enrichment_id)
      SELECT $2, l.position - 1, l.id FROM unnest($6) WITH ORDINALITY AS l (id, position))
    INSERT INTO enrichments ${ENRICHMENT_COLUMNS}
    SELECT n.id, $1, n.lead_id, 'emails', 'pending', 'floor', $2, n.batch_id, $3::int, $5, now(), now()
    FROM unnest($6, $7::uuid[], $8::uuid[]) AS n (id, lead_id, batch_id)`,
};
