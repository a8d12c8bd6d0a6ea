DROP FUNCTION book_provider_calls;
DROP FUNCTION add_to_provider_limit;
DROP FUNCTION correct_provider_limit;
DROP FUNCTION provider_limit_bucket;
DROP FUNCTION provider_limit_even_share;
DROP FUNCTION provider_limit_used;
DROP FUNCTION provider_limit_opens_at;
DROP TABLE provider_breakers, provider_slots, provider_limits, provider_accounts, idempotency_keys, lead_values, attempts,
  request_enrichments, enrichments, lookups, batches, requests, credit_transactions, credit_accounts,
  person_identities, people, companies, api_keys, organisations;
DROP FUNCTION refuse_change();
