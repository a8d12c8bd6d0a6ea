-- The whole schema, written by `npm run schema` from a migrated database. Do not edit: write a migration.
-- BullMQ's own schema is not part of it.

CREATE OR REPLACE FUNCTION public.first_id_at(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((lpad(to_hex((floor((EXTRACT(epoch FROM moment) * (1000)::numeric)))::bigint), 12, '0'::text) || repeat('0'::text, 20)))::uuid
;

CREATE OR REPLACE FUNCTION public.hash_key(hash bytea)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((((get_byte(hash, 0) << 24) | (get_byte(hash, 1) << 16)) | (get_byte(hash, 2) << 8)) | get_byte(hash, 3))
;

CREATE OR REPLACE FUNCTION public.lead_suppression_keys(questions bytea[], company_domain text, emails text[], phones text[])
 RETURNS integer[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT DISTINCT hash_key(h.hash) AS hash_key FROM (SELECT unnest(lead_suppression_keys.questions) AS hash UNION ALL SELECT sha256(convert_to(('domain:'::text || lead_suppression_keys.company_domain), 'UTF8'::name)) AS sha256 UNION ALL SELECT sha256(convert_to(('email:'::text || e.e), 'UTF8'::name)) AS sha256 FROM unnest(lead_suppression_keys.emails) e(e) UNION ALL SELECT sha256(convert_to(('domain:'::text || split_part(e.e, '@'::text, 2)), 'UTF8'::name)) AS sha256 FROM unnest(lead_suppression_keys.emails) e(e) UNION ALL SELECT sha256(convert_to(('phone:'::text || split_part(t.t, ' x'::text, 1)), 'UTF8'::name)) AS sha256 FROM unnest(lead_suppression_keys.phones) t(t)) h WHERE (h.hash IS NOT NULL))
;

CREATE OR REPLACE FUNCTION public.provider_limit_bucket(p_begins double precision[], p_from double precision)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
DECLARE
  n integer := cardinality(p_begins);
BEGIN
  WHILE n > 0 AND p_begins[n] > p_from LOOP n := n - 1; END LOOP;
  RETURN n;
END $function$
;

CREATE OR REPLACE FUNCTION public.provider_limit_even_share(p_window_ms bigint, p_amount bigint, p_need bigint)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE WHEN p_window_ms > 2000 THEN p_amount
              ELSE greatest(p_need, CASE WHEN p_amount < 200 THEN 10 ELSE ceil(p_amount / 40.0)::bigint END) END
$function$
;

CREATE OR REPLACE FUNCTION public.provider_limit_grace(p_window_ms bigint)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT least(p_window_ms / 50.0, 2000)
$function$
;

CREATE OR REPLACE FUNCTION public.provider_limit_opens_at(p_from double precision, p_window_ms bigint, p_amount bigint, p_need bigint, p_ends double precision[], p_used integer[])
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE
    WHEN p_need > p_amount THEN 'Infinity'
    WHEN coalesce(max(b.total), 0) + p_need <= p_amount THEN p_from
    ELSE greatest(p_from, min(b.ends) FILTER (WHERE b.total - b.freed + p_need <= p_amount) + p_window_ms)
  END
  FROM (
    SELECT ends, sum(used) OVER (ORDER BY ends) AS freed, sum(used) OVER () AS total FROM unnest(p_ends, p_used) AS u (ends, used)
  ) b
$function$
;

CREATE OR REPLACE FUNCTION public.provider_limit_used(p_at double precision, p_window_ms bigint, p_ends double precision[], p_used integer[])
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
DECLARE
  total bigint := 0;
BEGIN
  FOR i IN REVERSE cardinality(p_ends) .. 1 LOOP
    IF p_ends[i] + p_window_ms > p_at THEN total := total + p_used[i]; END IF;
  END LOOP;
  RETURN total;
END $function$
;

CREATE OR REPLACE FUNCTION public.search_terms(terms text[])
 RETURNS bigint[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT hashtextextended(t.t, (0)::bigint) AS hashtextextended FROM unnest(search_terms.terms) t(t))
;

CREATE OR REPLACE FUNCTION public.time_of_id(id uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN to_timestamp((((((('x'::text || lpad("left"(replace((id)::text, '-'::text, ''::text), 12), 16, '0'::text)))::bit(64))::bigint)::numeric / 1000.0))::double precision)
;

CREATE TABLE api_keys (
  id uuid NOT NULL,
  org_id uuid NOT NULL,
  user_name text NOT NULL,
  key_hash bytea NOT NULL,
  key_prefix text NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  CONSTRAINT api_keys_pkey PRIMARY KEY (id),
  CONSTRAINT api_keys_key_hash_check CHECK ((octet_length(key_hash) = 32)),
  CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
  CONSTRAINT api_keys_scopes_check CHECK (((scopes <@ ARRAY['read'::text, 'enrich'::text, 'import'::text]) AND (scopes <> '{}'::text[])))
);
CREATE INDEX api_keys_org ON public.api_keys USING btree (org_id);

CREATE TABLE attempts (
  enrichment_id uuid NOT NULL,
  provider text NOT NULL,
  lookup_id uuid,
  ask integer,
  shared boolean NOT NULL,
  outcome text,
  error text,
  duration_ms integer,
  provider_cost numeric(12,4),
  stated_cost numeric(12,4),
  started_at timestamp with time zone NOT NULL,
  ended_at timestamp with time zone,
  CONSTRAINT attempts_pkey PRIMARY KEY (enrichment_id, provider),
  CONSTRAINT attempts_check CHECK (((outcome IS NULL) = (ended_at IS NULL))),
  CONSTRAINT attempts_outcome_check CHECK ((outcome = ANY (ARRAY['hit'::text, 'miss'::text, 'restricted'::text, 'failed'::text, 'skipped'::text])))
) PARTITION BY RANGE (enrichment_id);
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;
CREATE INDEX attempts_awaited ON public.attempts USING btree (lookup_id) WHERE (outcome IS NULL);
CREATE INDEX attempts_started ON public.attempts USING brin (started_at) WITH (autosummarize='on');

CREATE TABLE batches (
  id uuid NOT NULL,
  org_id uuid NOT NULL,
  request_id uuid NOT NULL,
  field text NOT NULL,
  priority smallint NOT NULL,
  size integer NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  deadline_at timestamp with time zone NOT NULL,
  next_check_at timestamp with time zone NOT NULL,
  not_before timestamp with time zone,
  generation integer NOT NULL DEFAULT 0,
  raised_at timestamp with time zone,
  queued_at timestamp with time zone,
  fence bigint NOT NULL DEFAULT 0,
  lease_until timestamp with time zone,
  leased_by text,
  deliveries smallint NOT NULL DEFAULT 0,
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  CONSTRAINT batches_pkey PRIMARY KEY (id),
  CONSTRAINT batches_field_check CHECK ((field = ANY (ARRAY['emails'::text, 'phones'::text]))),
  CONSTRAINT batches_size_check CHECK ((size > 0))
);
CREATE INDEX batches_open_deadline ON public.batches USING btree (deadline_at) WHERE (completed_at IS NULL);
CREATE INDEX batches_queued ON public.batches USING btree (org_id, field) WHERE ((completed_at IS NULL) AND (queued_at IS NOT NULL));
CREATE INDEX batches_request ON public.batches USING btree (request_id);
CREATE INDEX batches_unqueued ON public.batches USING btree (org_id, field, priority, id) WHERE ((completed_at IS NULL) AND (queued_at IS NULL));

CREATE TABLE companies (
  id uuid NOT NULL,
  org_id uuid,
  name text NOT NULL,
  domain text,
  industry text,
  city text,
  country text,
  employees_min integer,
  employees_max integer,
  linkedin_url text,
  identity_key text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT companies_pkey PRIMARY KEY (id),
  CONSTRAINT companies_org_id_identity_key_key UNIQUE NULLS NOT DISTINCT (org_id, identity_key)
);

CREATE TABLE credit_accounts (
  org_id uuid NOT NULL,
  balance bigint NOT NULL DEFAULT 0,
  low_credits_threshold bigint,
  CONSTRAINT credit_accounts_pkey PRIMARY KEY (org_id),
  CONSTRAINT credit_accounts_balance_check CHECK ((balance >= 0)),
  CONSTRAINT credit_accounts_low_credits_threshold_check CHECK ((low_credits_threshold > 0))
);

CREATE TABLE credit_transactions (
  id uuid NOT NULL,
  org_id uuid NOT NULL,
  type text NOT NULL,
  amount bigint NOT NULL,
  operation_type text,
  source text,
  reference_id uuid,
  description text NOT NULL DEFAULT ''::text,
  metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT credit_transactions_pkey PRIMARY KEY (id),
  CONSTRAINT credit_transactions_amount_check CHECK ((amount > 0)),
  CONSTRAINT credit_transactions_check CHECK (((type = 'credit_added'::text) = (source IS NOT NULL))),
  CONSTRAINT credit_transactions_check1 CHECK (((type <> 'credit_added'::text) = (operation_type IS NOT NULL))),
  CONSTRAINT credit_transactions_operation_type_check CHECK ((operation_type = ANY (ARRAY['enrichment_email'::text, 'enrichment_phone'::text]))),
  CONSTRAINT credit_transactions_source_check CHECK ((source = ANY (ARRAY['manual'::text, 'signup_bonus'::text, 'stripe_subscription'::text, 'stripe_purchase'::text]))),
  CONSTRAINT credit_transactions_type_check CHECK ((type = ANY (ARRAY['credit_added'::text, 'credit_consumed'::text, 'credit_refunded'::text])))
);
CREATE INDEX credit_transactions_history ON public.credit_transactions USING btree (org_id, created_at DESC, id DESC);

CREATE TABLE enrichments (
  id uuid NOT NULL,
  org_id uuid NOT NULL,
  entity_type text NOT NULL DEFAULT 'person'::text,
  entity_id uuid NOT NULL,
  field text NOT NULL,
  status text NOT NULL,
  error text,
  data_found boolean,
  created_by text NOT NULL,
  request_id uuid NOT NULL,
  batch_id uuid,
  lookup_id uuid,
  retry_not_found boolean NOT NULL DEFAULT false,
  price integer NOT NULL,
  credit_transaction_id uuid,
  refund_transaction_id uuid,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  ended_at timestamp with time zone,
  superseded_at timestamp with time zone,
  CONSTRAINT enrichments_pkey PRIMARY KEY (id, org_id),
  CONSTRAINT enrichments_check CHECK (((status = 'pending'::text) = (data_found IS NULL))),
  CONSTRAINT enrichments_check1 CHECK (((status = 'pending'::text) = (ended_at IS NULL))),
  CONSTRAINT enrichments_check2 CHECK (((status <> 'pending'::text) OR ((batch_id IS NOT NULL) AND (error IS NULL) AND (superseded_at IS NULL)))),
  CONSTRAINT enrichments_check3 CHECK (((price = 0) = (credit_transaction_id IS NULL))),
  CONSTRAINT enrichments_check4 CHECK (((data_found IS NOT TRUE) OR ((status = 'finished'::text) AND (lookup_id IS NOT NULL)))),
  CONSTRAINT enrichments_entity_type_check CHECK ((entity_type = ANY (ARRAY['person'::text, 'company'::text]))),
  CONSTRAINT enrichments_field_check CHECK ((field = ANY (ARRAY['emails'::text, 'phones'::text]))),
  CONSTRAINT enrichments_price_check CHECK ((price >= 0)),
  CONSTRAINT enrichments_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'finished'::text, 'failed'::text, 'timeout'::text, 'cancelled'::text])))
) PARTITION BY HASH (org_id);
CREATE TABLE enrichments_0 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 0);
CREATE TABLE enrichments_1 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 1);
CREATE TABLE enrichments_2 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 2);
CREATE TABLE enrichments_3 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 3);
CREATE TABLE enrichments_4 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 4);
CREATE TABLE enrichments_5 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 5);
CREATE TABLE enrichments_6 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 6);
CREATE TABLE enrichments_7 PARTITION OF enrichments FOR VALUES WITH (modulus 8, remainder 7);
CREATE INDEX enrichments_debit ON public.enrichments USING btree (credit_transaction_id) WHERE (credit_transaction_id IS NOT NULL);
CREATE UNIQUE INDEX enrichments_live ON public.enrichments USING btree (org_id, entity_type, entity_id, field) WHERE (superseded_at IS NULL);
CREATE INDEX enrichments_pending ON public.enrichments USING btree (batch_id) WHERE (status = 'pending'::text);
CREATE INDEX enrichments_refund ON public.enrichments USING btree (refund_transaction_id) WHERE (refund_transaction_id IS NOT NULL);
CREATE INDEX enrichments_request ON public.enrichments USING btree (request_id);
CREATE INDEX enrichments_superseded ON public.enrichments USING btree (entity_id) WHERE (superseded_at IS NOT NULL);

CREATE TABLE erasures (
  id uuid NOT NULL,
  lead_ids uuid[] NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  completed_at timestamp with time zone,
  CONSTRAINT erasures_pkey PRIMARY KEY (id)
);

CREATE TABLE idempotency_keys (
  org_id uuid NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  request_id uuid NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (org_id, key)
);
CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

CREATE TABLE lead_values (
  org_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  kind text NOT NULL,
  value text NOT NULL,
  verdict text NOT NULL,
  confidence real,
  line_type text,
  flags text[] NOT NULL DEFAULT '{}'::text[],
  provider text NOT NULL,
  enrichment_id uuid NOT NULL,
  found_at timestamp with time zone NOT NULL,
  findings jsonb NOT NULL DEFAULT '[]'::jsonb,
  CONSTRAINT lead_values_pkey PRIMARY KEY (org_id, lead_id, kind, value),
  CONSTRAINT lead_values_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
  CONSTRAINT lead_values_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text]))),
  CONSTRAINT lead_values_verdict_check CHECK ((verdict = ANY (ARRAY['deliverable'::text, 'risky'::text, 'catch_all'::text, 'unknown'::text, 'invalid'::text])))
);

CREATE TABLE lookups (
  id uuid NOT NULL,
  provider text NOT NULL,
  base_url text NOT NULL,
  field text NOT NULL,
  input_hash bytea NOT NULL,
  scope uuid NOT NULL,
  state text NOT NULL,
  ask integer NOT NULL DEFAULT 1,
  repeats smallint NOT NULL DEFAULT 0,
  asked_at timestamp with time zone NOT NULL,
  answered_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  external_id text,
  poll_at timestamp with time zone,
  candidates jsonb,
  error text,
  CONSTRAINT lookups_pkey PRIMARY KEY (id),
  CONSTRAINT lookups_check CHECK (((state = 'hit'::text) = (candidates IS NOT NULL))),
  CONSTRAINT lookups_field_check CHECK ((field = ANY (ARRAY['emails'::text, 'phones'::text]))),
  CONSTRAINT lookups_input_hash_check CHECK ((octet_length(input_hash) = 32)),
  CONSTRAINT lookups_provider_base_url_field_input_hash_scope_key UNIQUE (provider, base_url, field, input_hash, scope),
  CONSTRAINT lookups_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'hit'::text, 'miss'::text, 'restricted'::text, 'failed'::text])))
);
CREATE INDEX lookups_repeated ON public.lookups USING btree (id) WHERE (repeats > 0);

CREATE TABLE organisation_waterfalls (
  org_id uuid NOT NULL,
  field text NOT NULL,
  providers text[] NOT NULL,
  updated_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT organisation_waterfalls_pkey PRIMARY KEY (org_id, field),
  CONSTRAINT organisation_waterfalls_field_check CHECK ((field = ANY (ARRAY['emails'::text, 'phones'::text]))),
  CONSTRAINT organisation_waterfalls_providers_check CHECK ((providers <> '{}'::text[]))
);

CREATE TABLE organisations (
  id uuid NOT NULL,
  name text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT organisations_pkey PRIMARY KEY (id),
  CONSTRAINT organisations_name_check CHECK ((name <> ''::text))
);

CREATE TABLE people (
  id uuid NOT NULL,
  seq bigint NOT NULL,
  org_id uuid,
  first_name text,
  last_name text,
  full_name text NOT NULL,
  job_title text,
  seniority text,
  city text,
  country text,
  linkedin_url text,
  emails text[] NOT NULL DEFAULT '{}'::text[],
  phones text[] NOT NULL DEFAULT '{}'::text[],
  departments text[] NOT NULL DEFAULT '{}'::text[],
  functions text[] NOT NULL DEFAULT '{}'::text[],
  skills text[] NOT NULL DEFAULT '{}'::text[],
  languages text[] NOT NULL DEFAULT '{}'::text[],
  social_links text[] NOT NULL DEFAULT '{}'::text[],
  previous_companies text[] NOT NULL DEFAULT '{}'::text[],
  company_id uuid,
  company_name text,
  company_domain text,
  name_domain_hash bytea,
  name_company_hash bytea,
  linkedin_hash bytea,
  email_hash bytea,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  suppression_keys integer[] GENERATED ALWAYS AS (lead_suppression_keys(ARRAY[linkedin_hash, name_domain_hash, name_company_hash, email_hash], company_domain, emails, phones)) STORED,
  CONSTRAINT people_pkey PRIMARY KEY (id),
  CONSTRAINT people_seq_key UNIQUE (seq)
);
CREATE INDEX people_company ON public.people USING btree (company_id);
CREATE INDEX people_org_seq ON public.people USING btree (org_id, seq);

CREATE TABLE people_search (
  seq bigint NOT NULL,
  id uuid NOT NULL,
  org_id uuid,
  employees_min integer,
  employees_max integer,
  has_email boolean NOT NULL DEFAULT false,
  has_phone boolean NOT NULL DEFAULT false,
  words tsvector NOT NULL DEFAULT ''::tsvector,
  terms bigint[] NOT NULL DEFAULT '{}'::bigint[],
  CONSTRAINT people_search_pkey PRIMARY KEY (seq)
);
CREATE INDEX people_search_org_seq ON public.people_search USING btree (org_id, seq);
CREATE INDEX people_search_terms ON public.people_search USING gin (terms);
CREATE INDEX people_search_words ON public.people_search USING gin (words);

CREATE TABLE person_identities (
  org_id uuid,
  identity_key text NOT NULL,
  person_id uuid NOT NULL,
  CONSTRAINT person_identities_org_id_identity_key_key UNIQUE NULLS NOT DISTINCT (org_id, identity_key)
);
CREATE INDEX person_identities_person ON public.person_identities USING btree (person_id);

CREATE TABLE provider_accounts (
  account text NOT NULL,
  CONSTRAINT provider_accounts_pkey PRIMARY KEY (account)
);

CREATE TABLE provider_breakers (
  account text NOT NULL,
  kind text NOT NULL,
  reason text NOT NULL,
  open_until timestamp with time zone NOT NULL,
  opened_at timestamp with time zone NOT NULL,
  reopened integer NOT NULL DEFAULT 0,
  probe_until timestamp with time zone,
  probe_holder uuid,
  CONSTRAINT provider_breakers_pkey PRIMARY KEY (account),
  CONSTRAINT provider_breakers_kind_check CHECK ((kind = ANY (ARRAY['auth'::text, 'no_credit'::text, 'rate'::text, 'down'::text])))
);

CREATE TABLE provider_limits (
  account text NOT NULL,
  window_ms bigint NOT NULL,
  unit text NOT NULL,
  begins_ms double precision[] NOT NULL,
  ends_ms double precision[] NOT NULL,
  used integer[] NOT NULL,
  CONSTRAINT provider_limits_pkey PRIMARY KEY (account, window_ms, unit),
  CONSTRAINT provider_limits_unit_check CHECK ((unit = ANY (ARRAY['calls'::text, 'records'::text]))),
  CONSTRAINT provider_limits_window_ms_check CHECK ((window_ms > 0))
);

CREATE TABLE provider_slots (
  account text NOT NULL,
  holder uuid NOT NULL,
  places integer NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  wanted_since timestamp with time zone,
  wanted_until timestamp with time zone,
  CONSTRAINT provider_slots_pkey PRIMARY KEY (account, holder),
  CONSTRAINT provider_slots_places_check CHECK ((places >= 0))
);

CREATE TABLE provider_told_limits (
  account text NOT NULL,
  window_ms bigint NOT NULL,
  unit text NOT NULL,
  amount bigint NOT NULL,
  told_ms double precision NOT NULL,
  expires_ms double precision NOT NULL,
  others bigint NOT NULL,
  others_until_ms double precision NOT NULL,
  CONSTRAINT provider_told_limits_pkey PRIMARY KEY (account, window_ms, unit),
  CONSTRAINT provider_told_limits_amount_check CHECK ((amount > 0)),
  CONSTRAINT provider_told_limits_others_check CHECK ((others >= 0)),
  CONSTRAINT provider_told_limits_unit_check CHECK ((unit = ANY (ARRAY['calls'::text, 'records'::text]))),
  CONSTRAINT provider_told_limits_window_ms_check CHECK ((window_ms > 0))
);

CREATE TABLE request_enrichments (
  request_id uuid NOT NULL,
  "position" integer NOT NULL,
  enrichment_id uuid NOT NULL,
  CONSTRAINT request_enrichments_pkey PRIMARY KEY (request_id, "position")
) PARTITION BY RANGE (request_id);
CREATE TABLE request_enrichments_default PARTITION OF request_enrichments DEFAULT;
CREATE INDEX request_enrichments_enrichment ON public.request_enrichments USING btree (enrichment_id);

CREATE TABLE requests (
  id uuid NOT NULL,
  org_id uuid NOT NULL,
  created_by text NOT NULL,
  field text NOT NULL,
  mode text NOT NULL,
  priority text NOT NULL DEFAULT 'normal'::text,
  total integer NOT NULL,
  credits_charged bigint NOT NULL,
  credit_transaction_id uuid,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  cancelled_at timestamp with time zone,
  CONSTRAINT requests_pkey PRIMARY KEY (id),
  CONSTRAINT requests_check CHECK (((credits_charged > 0) = (credit_transaction_id IS NOT NULL))),
  CONSTRAINT requests_credits_charged_check CHECK ((credits_charged >= 0)),
  CONSTRAINT requests_field_check CHECK ((field = ANY (ARRAY['emails'::text, 'phones'::text]))),
  CONSTRAINT requests_mode_check CHECK ((mode = ANY (ARRAY['manual'::text, 'bulk'::text, 'retry'::text]))),
  CONSTRAINT requests_priority_check CHECK ((priority = ANY (ARRAY['normal'::text, 'high'::text]))),
  CONSTRAINT requests_total_check CHECK ((total >= 0))
) PARTITION BY RANGE (id);
CREATE TABLE requests_default PARTITION OF requests DEFAULT;
CREATE INDEX requests_org ON public.requests USING btree (org_id, created_at DESC, id DESC);

CREATE TABLE suppressions (
  id uuid NOT NULL,
  org_id uuid,
  kind text NOT NULL,
  hash bytea NOT NULL,
  source text NOT NULL,
  reason text NOT NULL DEFAULT ''::text,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  erasure_id uuid,
  CONSTRAINT suppressions_pkey PRIMARY KEY (id),
  CONSTRAINT suppressions_check CHECK (((source = 'erasure'::text) = (erasure_id IS NOT NULL))),
  CONSTRAINT suppressions_hash_check CHECK ((octet_length(hash) = 32)),
  CONSTRAINT suppressions_hash_org_id_key UNIQUE NULLS NOT DISTINCT (hash, org_id),
  CONSTRAINT suppressions_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'domain'::text, 'phone'::text, 'linkedin'::text, 'question'::text]))),
  CONSTRAINT suppressions_source_check CHECK ((source = ANY (ARRAY['operator'::text, 'erasure'::text, 'provider'::text])))
);
CREATE INDEX suppressions_erasure ON public.suppressions USING btree (erasure_id) WHERE (erasure_id IS NOT NULL);
CREATE INDEX suppressions_key ON public.suppressions USING btree (hash_key(hash));

CREATE OR REPLACE FUNCTION public.add_to_provider_limit(p_account text, p_window_ms bigint, p_unit text, p_clock double precision, p_from double precision, p_until double precision, p_count integer)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  l provider_limits;
  gone integer := 0;
  n integer;
BEGIN
  SELECT * INTO l FROM provider_limits WHERE account = p_account AND window_ms = p_window_ms AND unit = p_unit;
  IF NOT FOUND THEN
    INSERT INTO provider_limits VALUES (p_account, p_window_ms, p_unit, ARRAY[p_from], ARRAY[p_until], ARRAY[p_count]);
    RETURN;
  END IF;
  n := cardinality(l.ends_ms);
  -- Kept a moment longer than they count: a response tells what the provider counted a moment ago.
  WHILE gone < n AND l.ends_ms[gone + 1] + p_window_ms + provider_limit_grace(p_window_ms) <= p_clock LOOP gone := gone + 1; END LOOP;
  -- Joining is always exact, only less sharp: so the 80th bucket may take in what it likes.
  IF gone < n AND (p_from < l.begins_ms[n] + p_window_ms / 50.0 OR n - gone >= 80) THEN
    l.ends_ms[n] := greatest(l.ends_ms[n], p_until);
    l.used[n] := l.used[n] + p_count;
  ELSE
    n := n + 1;
    l.begins_ms[n] := p_from;
    l.ends_ms[n] := p_until;
    l.used[n] := p_count;
  END IF;
  UPDATE provider_limits SET begins_ms = l.begins_ms[gone + 1 : n], ends_ms = l.ends_ms[gone + 1 : n], used = l.used[gone + 1 : n]
    WHERE account = p_account AND window_ms = p_window_ms AND unit = p_unit;
END $function$
;

CREATE OR REPLACE FUNCTION public.book_provider_calls(p_account text, p_holder uuid, p_held integer, p_records integer[], p_placed integer, p_window_ms bigint[], p_units text[], p_amounts bigint[], p_concurrent integer, p_lead_ms double precision, p_slack_ms double precision, p_place_ms double precision, p_probe_ms double precision, p_unused_from_ms double precision[], p_unused_records integer[], p_late_from_ms double precision[], p_late_until_ms double precision[], p_clock_ms double precision DEFAULT NULL::double precision, OUT clock_ms double precision, OUT granted integer, OUT leave_from_ms double precision, OUT leave_until_ms double precision, OUT waits_for text, OUT wait_ms double precision, OUT breaker_kind text, OUT breaker_reason text, OUT records_at_most bigint, OUT kept_places integer)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
DECLARE
  moment timestamptz;
  breaker provider_breakers;
  own provider_slots;
  taken integer;
  others_wait integer;
  even_places integer;
  before_us integer;
  callable integer := cardinality(p_records);
  bucket provider_limits;
  sums bigint[];
  room bigint;
  even bigint;
  need integer;
  -- By window: what is left to us while the provider counts the calls of others, and until when it does.
  beside bigint[];
  beside_until_ms double precision[];
  opens_ms double precision;
BEGIN
  PERFORM 1 FROM provider_accounts WHERE account = p_account FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO provider_accounts VALUES (p_account) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM provider_accounts WHERE account = p_account FOR UPDATE;
  END IF;
  -- Read after the lock, as are all rows below: bookings of one account follow one another in time.
  clock_ms := coalesce(p_clock_ms, extract(epoch FROM clock_timestamp()) * 1000);
  moment := to_timestamp(clock_ms / 1000);
  granted := 0;
  -- What the provider tells of its limits binds beside ours: the smaller amount.
  SELECT coalesce(array_agg(least(o.amount, t.amount) ORDER BY o.n), '{}'),
         array_agg(least(o.amount, t.amount - t.others) ORDER BY o.n),
         array_agg(coalesce(t.others_until_ms, 0) ORDER BY o.n),
         min(least(o.amount, t.amount)) FILTER (WHERE o.unit = 'records')
    INTO p_amounts, beside, beside_until_ms, records_at_most
    FROM unnest(p_window_ms, p_units, p_amounts) WITH ORDINALITY AS o (window_ms, unit, amount, n)
    LEFT JOIN provider_told_limits t
      ON t.account = p_account AND t.window_ms = o.window_ms AND t.unit = o.unit AND t.expires_ms > clock_ms;
  IF cardinality(p_unused_from_ms) + cardinality(p_late_from_ms) > 0 THEN
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      PERFORM correct_provider_limit(p_account, p_window_ms[i], p_units[i], p_unused_from_ms, p_unused_records,
        p_late_from_ms, p_late_until_ms);
    END LOOP;
  END IF;

  SELECT * INTO breaker FROM provider_breakers WHERE account = p_account;
  IF breaker.open_until > moment THEN
    callable := 0;
    waits_for := 'breaker';
    wait_ms := extract(epoch FROM breaker.open_until - moment) * 1000;
  ELSIF breaker.kind <> 'rate' THEN
    callable := least(callable, 1);
    IF breaker.probe_until > moment AND NOT (breaker.probe_holder = p_holder AND p_placed > 0) THEN
      callable := 0;
      waits_for := 'breaker';
      wait_ms := extract(epoch FROM breaker.probe_until - moment) * 1000;
    END IF;
  END IF;
  breaker_kind := breaker.kind;
  breaker_reason := breaker.reason;

  DELETE FROM provider_slots WHERE account = p_account AND holder <> p_holder AND expires_at <= moment;
  SELECT * INTO own FROM provider_slots WHERE account = p_account AND holder = p_holder;
  SELECT coalesce(sum(places), 0), count(*) FILTER (WHERE wanted_until > moment)
    INTO taken, others_wait
    FROM provider_slots WHERE account = p_account AND holder <> p_holder;
  even_places := ceil(p_concurrent / (others_wait + 1.0));
  kept_places := CASE WHEN breaker.kind IS NULL THEN least(p_concurrent - taken, p_concurrent / (others_wait + 1)) ELSE 0 END;
  IF callable > 0 THEN
    IF taken + p_held > p_concurrent THEN
      callable := 0;
    ELSE
      -- Who has its even share leaves all others to those that wait, and one free place is left to each of them that has waited longer and
      -- may take it, else who is quickest keeps them all.
      SELECT count(*) INTO before_us FROM provider_slots
       WHERE account = p_account AND holder <> p_holder AND places < even_places
         AND wanted_until > moment AND wanted_since < coalesce(own.wanted_since, moment);
      callable := least(callable, p_placed + greatest(0, least(p_concurrent - taken - p_held - before_us,
        CASE WHEN others_wait > 0 THEN even_places - p_held ELSE p_concurrent END)));
    END IF;
    IF callable = 0 THEN waits_for := 'places'; wait_ms := 25; END IF;
  END IF;

  IF callable > 0 THEN
    leave_from_ms := clock_ms;
    sums := ARRAY(SELECT sum(r) OVER (ORDER BY n) FROM unnest(p_records) WITH ORDINALITY AS t(r, n));
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      SELECT * INTO bucket FROM provider_limits
        WHERE account = p_account AND window_ms = p_window_ms[i] AND unit = p_units[i];
      need := CASE p_units[i] WHEN 'calls' THEN 1 ELSE p_records[1] END;
      opens_ms := provider_limit_opens_at(clock_ms, p_window_ms[i],
        CASE WHEN beside_until_ms[i] > clock_ms THEN beside[i] ELSE p_amounts[i] END, need,
        coalesce(bucket.ends_ms, '{}'), coalesce(bucket.used, '{}'));
      IF beside_until_ms[i] > clock_ms AND opens_ms > beside_until_ms[i] THEN
        opens_ms := provider_limit_opens_at(beside_until_ms[i], p_window_ms[i], p_amounts[i], need,
          coalesce(bucket.ends_ms, '{}'), coalesce(bucket.used, '{}'));
      END IF;
      leave_from_ms := greatest(leave_from_ms, opens_ms);
      -- Never before an earlier booking: so the bucket of a booking is the last that began no later.
      leave_from_ms := greatest(leave_from_ms, bucket.begins_ms[cardinality(bucket.begins_ms)]);
      -- Two hundred that leave in one moment make each other late, in our processes and at the provider.
      even := provider_limit_even_share(p_window_ms[i], p_amounts[i], need);
      IF leave_from_ms < bucket.begins_ms[cardinality(bucket.begins_ms)] + p_window_ms[i] / 50.0
         AND bucket.used[cardinality(bucket.used)] + need > even THEN
        leave_from_ms := bucket.begins_ms[cardinality(bucket.begins_ms)] + p_window_ms[i] / 50.0;
      END IF;
    END LOOP;
    IF leave_from_ms > clock_ms + p_lead_ms THEN
      callable := 0;
      waits_for := 'limit';
      wait_ms := leave_from_ms - clock_ms;
    END IF;
  END IF;

  IF callable > 0 THEN
    -- A call that may leave as soon as it is ready counts as if it took the whole lead for that. Where the limit is used up, this would
    -- make all later windows later by as much: there calls leave when the lead is over, and at once.
    IF leave_from_ms > clock_ms THEN leave_from_ms := clock_ms + p_lead_ms; END IF;
    granted := callable;
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      SELECT * INTO bucket FROM provider_limits
        WHERE account = p_account AND window_ms = p_window_ms[i] AND unit = p_units[i];
      room := CASE WHEN beside_until_ms[i] > leave_from_ms THEN beside[i] ELSE p_amounts[i] END
        - provider_limit_used(leave_from_ms, p_window_ms[i], coalesce(bucket.ends_ms, '{}'), coalesce(bucket.used, '{}'));
      even := provider_limit_even_share(p_window_ms[i], p_amounts[i], CASE p_units[i] WHEN 'calls' THEN 1 ELSE p_records[1] END);
      IF leave_from_ms < bucket.begins_ms[cardinality(bucket.begins_ms)] + p_window_ms[i] / 50.0 THEN
        even := even - bucket.used[cardinality(bucket.used)];
      END IF;
      room := least(room, even);
      IF p_units[i] = 'calls' THEN
        granted := least(granted, room);
      ELSE
        WHILE sums[granted] > room LOOP granted := granted - 1; END LOOP;
      END IF;
    END LOOP;
    IF granted < callable THEN leave_from_ms := clock_ms + p_lead_ms; END IF;
    leave_until_ms := clock_ms + p_lead_ms + p_slack_ms;
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      PERFORM add_to_provider_limit(p_account, p_window_ms[i], p_units[i], clock_ms, leave_from_ms, leave_until_ms,
        CASE p_units[i] WHEN 'calls' THEN granted ELSE sums[granted]::integer END);
    END LOOP;
    IF granted < cardinality(p_records) AND callable < cardinality(p_records) AND granted = callable THEN
      waits_for := 'places';
      wait_ms := 25;
    END IF;
    IF breaker.kind <> 'rate' THEN
      UPDATE provider_breakers SET probe_until = moment + make_interval(secs => p_probe_ms / 1000), probe_holder = p_holder
        WHERE account = p_account;
    END IF;
  END IF;

  IF p_held + granted = 0 AND waits_for IS DISTINCT FROM 'places' THEN
    DELETE FROM provider_slots WHERE account = p_account AND holder = p_holder;
  ELSE
    INSERT INTO provider_slots (account, holder, places, expires_at, wanted_since, wanted_until)
      VALUES (p_account, p_holder, p_held + granted - least(granted, p_placed),
        moment + make_interval(secs => p_place_ms / 1000),
        -- Whoever got something goes to the end of the line.
        CASE WHEN waits_for = 'places' THEN CASE WHEN granted > 0 THEN moment ELSE coalesce(own.wanted_since, moment) END END,
        CASE WHEN waits_for = 'places' THEN moment + interval '250 ms' END)
      ON CONFLICT (account, holder) DO UPDATE SET places = excluded.places, expires_at = excluded.expires_at,
        wanted_since = excluded.wanted_since, wanted_until = excluded.wanted_until;
  END IF;
END $function$
;

CREATE OR REPLACE FUNCTION public.book_provider_departures(p_account text, p_holder uuid, p_held integer, p_records integer[], p_placed integer, p_window_ms bigint[], p_units text[], p_amounts bigint[], p_concurrent integer, p_lead_ms double precision, p_slack_ms double precision, p_place_ms double precision, p_probe_ms double precision, p_unused_from_ms double precision[], p_unused_records integer[], p_late_from_ms double precision[], p_late_until_ms double precision[], p_ahead_ms double precision, p_spread_ms double precision, p_is_deferred boolean, p_clock_ms double precision DEFAULT NULL::double precision, OUT clock_ms double precision, OUT granted integer, OUT calls integer[], OUT leave_from_ms double precision[], OUT leave_until_ms double precision[], OUT waits_for text, OUT wait_ms double precision, OUT breaker_kind text, OUT breaker_reason text, OUT records_at_most bigint, OUT kept_places integer)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
DECLARE
  booked record;
  -- What book_provider_calls takes for the present: ahead of it by as much as a call that leaves later has more time to get ready.
  seen_ms double precision := p_clock_ms;
  latest_ms double precision;
  next_ms double precision;
  is_late boolean := cardinality(p_late_from_ms) > 0;
BEGIN
  IF p_is_deferred THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
  granted := 0;
  LOOP
    booked := book_provider_calls(p_account, p_holder, p_held + granted - least(granted, p_placed), p_records[granted + 1 :],
      greatest(0, p_placed - granted), p_window_ms, p_units, p_amounts, p_concurrent, p_lead_ms, p_slack_ms, p_place_ms, p_probe_ms,
      p_unused_from_ms, p_unused_records, p_late_from_ms, p_late_until_ms, seen_ms);
    IF clock_ms IS NULL THEN
      clock_ms := booked.clock_ms;
      seen_ms := clock_ms;
      latest_ms := clock_ms + p_ahead_ms;
      breaker_kind := booked.breaker_kind;
      breaker_reason := booked.breaker_reason;
      records_at_most := booked.records_at_most;
      kept_places := booked.kept_places;
      p_unused_from_ms := '{}';
      p_late_from_ms := '{}';
    END IF;
    waits_for := booked.waits_for;
    wait_ms := booked.wait_ms + seen_ms - clock_ms;
    IF booked.granted > 0 THEN
      granted := granted + booked.granted;
      calls := calls || booked.granted;
      leave_from_ms := leave_from_ms || booked.leave_from_ms;
      leave_until_ms := leave_until_ms || booked.leave_until_ms;
      latest_ms := least(latest_ms, leave_from_ms[1] + p_spread_ms);
      EXIT WHEN granted = cardinality(p_records) OR waits_for IS NOT NULL OR breaker_kind IS NOT NULL
        OR booked.leave_from_ms >= latest_ms;
    ELSE
      -- Each leaves a hundredth of a millisecond after its limit opens: what is the last by that still belongs to the stretch.
      EXIT WHEN waits_for IS DISTINCT FROM 'limit' OR clock_ms + wait_ms > latest_ms + least(1, granted);
      -- A hundredth more, since the sum of such large numbers is rounded; and never the same moment twice.
      next_ms := clock_ms + wait_ms - p_lead_ms + 0.01;
      EXIT WHEN next_ms <= seen_ms;
      seen_ms := next_ms;
    END IF;
  END LOOP;
  -- Nothing leaves by this, and what it says of places is said again.
  IF granted = 0 AND NOT is_late THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
END $function$
;

CREATE OR REPLACE FUNCTION public.correct_provider_limit(p_account text, p_window_ms bigint, p_unit text, p_unused_from double precision[], p_unused_records integer[], p_late_from double precision[], p_late_until double precision[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  l provider_limits;
  n integer;
BEGIN
  SELECT * INTO l FROM provider_limits WHERE account = p_account AND window_ms = p_window_ms AND unit = p_unit;
  IF NOT FOUND THEN RETURN; END IF;
  FOR i IN 1 .. cardinality(p_unused_from) LOOP
    n := provider_limit_bucket(l.begins_ms, p_unused_from[i]);
    -- 0: it counted no more, and is forgotten.
    IF n > 0 THEN
      l.used[n] := greatest(0, l.used[n] - CASE p_unit WHEN 'calls' THEN 1 ELSE p_unused_records[i] END);
    END IF;
  END LOOP;
  FOR i IN 1 .. cardinality(p_late_from) LOOP
    n := provider_limit_bucket(l.begins_ms, p_late_from[i]);
    IF n > 0 THEN l.ends_ms[n] := greatest(l.ends_ms[n], p_late_until[i]); END IF;
  END LOOP;
  UPDATE provider_limits SET used = l.used, ends_ms = l.ends_ms WHERE account = p_account AND window_ms = p_window_ms AND unit = p_unit;
END $function$
;

CREATE OR REPLACE FUNCTION public.make_month(p_table text, p_moment timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
DECLARE
  begins timestamp := date_trunc('month', p_moment AT TIME ZONE 'UTC');
  from_id uuid := first_id_at(begins AT TIME ZONE 'UTC');
  to_id uuid := first_id_at((begins + interval '1 month') AT TIME ZONE 'UTC');
  month text := p_table || to_char(begins, '_YYYY_MM');
  key text := (SELECT a.attname FROM pg_partitioned_table t JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0]
                WHERE t.partrelid = p_table::regclass);
BEGIN
  IF to_regclass(month) IS NOT NULL THEN RETURN false; END IF;
  -- Attached and not made in place: CREATE TABLE … PARTITION OF would lock the parent against everybody.
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', month, p_table);
  EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', p_table || '_default');
  EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
    p_table || '_default', key, from_id, key, to_id, month);
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', p_table, month, from_id, to_id);
  RETURN true;
END $function$
;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION '% is append-only: write a compensating row instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $function$
;

CREATE OR REPLACE FUNCTION public.tell_provider_limit(p_account text, p_window_ms bigint, p_unit text, p_amount bigint, p_remaining bigint, p_reset_ms double precision, p_clock_ms double precision DEFAULT NULL::double precision)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  clock_ms double precision;
  l provider_limits;
  free bigint;
  others bigint := 0;
  in_flight bigint;
BEGIN
  -- The lock of a booking: what is booked meanwhile is counted before or after, never half.
  INSERT INTO provider_accounts VALUES (p_account) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM provider_accounts WHERE account = p_account FOR UPDATE;
  clock_ms := coalesce(p_clock_ms, extract(epoch FROM clock_timestamp()) * 1000);
  SELECT * INTO l FROM provider_limits WHERE account = p_account AND window_ms = p_window_ms AND unit = p_unit;
  free := p_amount - provider_limit_used(clock_ms - provider_limit_grace(p_window_ms), p_window_ms,
    coalesce(l.ends_ms, '{}'), coalesce(l.used, '{}'));
  IF p_remaining < free THEN
    SELECT coalesce(sum(places), 0) INTO in_flight FROM provider_slots
      WHERE account = p_account AND expires_at > to_timestamp(clock_ms / 1000);
    -- Calls in flight may not be counted yet: where no more than they remain, nothing does.
    others := CASE WHEN p_remaining <= in_flight THEN free ELSE free - p_remaining END;
  END IF;
  INSERT INTO provider_told_limits AS t VALUES (p_account, p_window_ms, p_unit, p_amount, clock_ms,
      clock_ms + greatest(p_window_ms, 3600000), others, clock_ms + p_reset_ms)
    ON CONFLICT (account, window_ms, unit) DO UPDATE
      SET (amount, told_ms, expires_ms) = (SELECT excluded.amount, excluded.told_ms, excluded.expires_ms
             WHERE excluded.amount <= t.amount OR t.told_ms <= clock_ms - 60000
             UNION ALL SELECT t.amount, t.told_ms, t.expires_ms LIMIT 1),
          others = excluded.others, others_until_ms = excluded.others_until_ms;
END $function$
;

CREATE TRIGGER credit_transactions_append_only BEFORE DELETE OR UPDATE ON public.credit_transactions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_transactions_no_truncate BEFORE TRUNCATE ON public.credit_transactions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE api_keys ADD CONSTRAINT api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE batches ADD CONSTRAINT batches_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE companies ADD CONSTRAINT companies_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE credit_accounts ADD CONSTRAINT credit_accounts_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE credit_transactions ADD CONSTRAINT credit_transactions_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE enrichments ADD CONSTRAINT enrichments_credit_transaction_id_fkey FOREIGN KEY (credit_transaction_id) REFERENCES credit_transactions(id);
ALTER TABLE enrichments ADD CONSTRAINT enrichments_refund_transaction_id_fkey FOREIGN KEY (refund_transaction_id) REFERENCES credit_transactions(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE lead_values ADD CONSTRAINT lead_values_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE organisation_waterfalls ADD CONSTRAINT organisation_waterfalls_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE people ADD CONSTRAINT people_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id);
ALTER TABLE people ADD CONSTRAINT people_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE people_search ADD CONSTRAINT people_search_seq_fkey FOREIGN KEY (seq) REFERENCES people(seq) ON DELETE CASCADE;
ALTER TABLE person_identities ADD CONSTRAINT person_identities_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE person_identities ADD CONSTRAINT person_identities_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE;
ALTER TABLE requests ADD CONSTRAINT requests_credit_transaction_id_fkey FOREIGN KEY (credit_transaction_id) REFERENCES credit_transactions(id);
ALTER TABLE requests ADD CONSTRAINT requests_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
ALTER TABLE suppressions ADD CONSTRAINT suppressions_erasure_id_fkey FOREIGN KEY (erasure_id) REFERENCES erasures(id);
ALTER TABLE suppressions ADD CONSTRAINT suppressions_org_id_fkey FOREIGN KEY (org_id) REFERENCES organisations(id);
