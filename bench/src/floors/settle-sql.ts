/** Settles one batch by one statement: every row that the service writes from the ask to the end, in its last state. */
export const SETTLE = {
  name: 'settle',
  text: `WITH answer AS (
      SELECT * FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[]) AS a (enrichment_id, lookup_id, state, email)),
    asked AS (
      INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
      SELECT lookup_id, $8, 'http://floor', 'emails', sha256(uuid_send(lookup_id)), '00000000-0000-0000-0000-000000000000', state,
             now(), now(), now() + interval '90 days',
             CASE state WHEN 'hit' THEN jsonb_build_array(jsonb_build_object('kind', 'email', 'value', email, 'verdict', 'deliverable',
               'confidence', 0.9, 'lineType', NULL, 'flags', '[]'::jsonb)) END
        FROM answer),
    tried AS (
      INSERT INTO attempts (enrichment_id, provider, lookup_id, ask, shared, outcome, started_at, ended_at, duration_ms, provider_cost)
      SELECT enrichment_id, $8, lookup_id, 1, false, state, now(), now(), 1, 1 FROM answer),
    restricting AS (
      INSERT INTO suppressions (id, kind, hash, source, reason, created_by)
      SELECT gen_random_uuid(), 'question', sha256(uuid_send(lookup_id)), 'provider', 'floor', $8
        FROM answer WHERE state = 'restricted'),
    ended AS (
      UPDATE enrichments e
         SET status = CASE a.state WHEN 'restricted' THEN 'failed' ELSE 'finished' END, data_found = a.state = 'hit',
             lookup_id = a.lookup_id, refund_transaction_id = CASE WHEN a.state <> 'hit' THEN $3::uuid END,
             updated_at = now(), ended_at = now()
        FROM answer a WHERE e.org_id = $1 AND e.id = a.enrichment_id AND e.status = 'pending'
      RETURNING e.id, e.request_id, e.entity_id, e.price, a.state, a.email),
    refunded AS (
      INSERT INTO credit_transactions (id, org_id, type, amount, operation_type, reference_id, description)
      SELECT $3, $1::uuid, 'credit_refunded', sum(price), 'enrichment_email', request_id, 'floor'
        FROM ended WHERE state <> 'hit' GROUP BY request_id
      RETURNING amount),
    paid AS (UPDATE credit_accounts a SET balance = a.balance + r.amount FROM refunded r WHERE a.org_id = $1),
    completed AS (UPDATE batches SET completed_at = now() WHERE id = $2::uuid),
    stored AS (
      INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, confidence, provider, enrichment_id, found_at)
      SELECT $1, entity_id, 'email', email, 'deliverable', 0.9, $8, id, now() FROM ended WHERE state = 'hit')
    SELECT count(*)::int AS ended FROM ended`,
};
