DROP FUNCTION book_provider_departures;
DROP FUNCTION book_provider_calls;
DROP FUNCTION tell_provider_limit;
DROP FUNCTION add_to_provider_limit;
DROP FUNCTION correct_provider_limit;
DROP FUNCTION provider_limit_grace;
DROP FUNCTION provider_limit_bucket;
DROP FUNCTION provider_limit_even_share;
DROP FUNCTION provider_limit_used;
DROP FUNCTION provider_limit_opens_at;
DROP TABLE provider_breakers, provider_slots, provider_told_limits, provider_limits, provider_accounts, suppressions, erasures,
  idempotency_keys, lead_values, attempts, request_enrichments, enrichments, lookups, batches, requests, credit_transactions,
  credit_accounts, person_identities, people_search, people, companies, organisation_waterfalls, api_keys, organisations;
DROP FUNCTION search_terms;
DROP FUNCTION make_month;
DROP FUNCTION time_of_id;
DROP FUNCTION first_id_at;
DROP FUNCTION lead_suppression_keys;
DROP FUNCTION hash_key;
DROP FUNCTION refuse_change();
