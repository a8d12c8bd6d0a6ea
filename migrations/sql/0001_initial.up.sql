-- Everything the service knows. Redis holds batch ids and nothing else; whatever is not here does not exist.
-- Times are PostgreSQL's clock_timestamp(); ids are UUID v7, made by the application.

-- ── Who ────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE organisations (
  id          uuid PRIMARY KEY,
  name        text NOT NULL CHECK (name <> ''),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE api_keys (
  id           uuid PRIMARY KEY,
  org_id       uuid NOT NULL REFERENCES organisations (id),
  user_name    text NOT NULL,
  -- SHA-256 of the whole key: 256 random bits need no slow hash, and an index finds them in constant time.
  key_hash     bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
  key_prefix   text NOT NULL,
  scopes       text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'enrich', 'import'] AND scopes <> '{}'),
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz,
  revoked_at   timestamptz
);
CREATE INDEX api_keys_org ON api_keys (org_id);

-- Whom an organisation has asked, in its own order; without a row, the deployment's waterfall of PROVIDERS_FILE counts.
-- Names, not foreign keys: which providers there are is the deployment's to say, and changes with it.
CREATE TABLE organisation_waterfalls (
  org_id      uuid NOT NULL REFERENCES organisations (id),
  field       text NOT NULL CHECK (field IN ('emails', 'phones')),
  providers   text[] NOT NULL CHECK (providers <> '{}'),
  updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, field)
);

-- ── Leads ──────────────────────────────────────────────────────────────────────────────────────────────────

-- org_id null: the shared directory. Otherwise visible to that organisation alone.
CREATE TABLE companies (
  id              uuid PRIMARY KEY,
  org_id          uuid REFERENCES organisations (id),
  name            text NOT NULL,
  domain          text,
  industry        text,
  city            text,
  country         text,
  employees_min   integer,
  employees_max   integer,
  linkedin_url    text,
  -- 'domain:acme.com', else 'name:acme'
  identity_key    text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (org_id, identity_key)
);

-- Whether a lead may be suppressed is asked for a thousand leads at once, and hashing what they are known by took longer than
-- the rest of an accept: four bytes of each hash stand with the lead.
-- Two hashes may share one: it only says of which leads the hashes are worth comparing.
CREATE FUNCTION hash_key(hash bytea) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (get_byte(hash, 0) << 24) | (get_byte(hash, 1) << 16) | (get_byte(hash, 2) << 8) | get_byte(hash, 3);

-- The values hash as hashSuppressible makes them (shared/src/domain/suppression.ts), and as suppression-checks.ts compares them.
CREATE FUNCTION lead_suppression_keys(questions bytea[], company_domain text, emails text[], phones text[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
  SELECT DISTINCT hash_key(h.hash) FROM (
    SELECT unnest(questions) AS hash
     UNION ALL SELECT sha256(convert_to('domain:' || company_domain, 'UTF8'))
     UNION ALL SELECT sha256(convert_to('email:' || e, 'UTF8')) FROM unnest(emails) AS e
     UNION ALL SELECT sha256(convert_to('domain:' || split_part(e, '@', 2), 'UTF8')) FROM unnest(emails) AS e
     UNION ALL SELECT sha256(convert_to('phone:' || split_part(t, ' x', 1), 'UTF8')) FROM unnest(phones) AS t
  ) h WHERE h.hash IS NOT NULL
);

CREATE TABLE people (
  id                 uuid PRIMARY KEY,
  -- The search order. Given under one advisory lock per import chunk, so that it follows commit order.
  seq                bigint NOT NULL UNIQUE,
  org_id             uuid REFERENCES organisations (id),
  first_name         text,
  last_name          text,
  full_name          text NOT NULL,
  job_title          text,
  seniority          text,
  city               text,
  country            text,
  linkedin_url       text,
  emails             text[] NOT NULL DEFAULT '{}',
  phones             text[] NOT NULL DEFAULT '{}',
  departments        text[] NOT NULL DEFAULT '{}',
  functions          text[] NOT NULL DEFAULT '{}',
  skills             text[] NOT NULL DEFAULT '{}',
  languages          text[] NOT NULL DEFAULT '{}',
  social_links       text[] NOT NULL DEFAULT '{}',
  previous_companies text[] NOT NULL DEFAULT '{}',
  company_id         uuid REFERENCES companies (id),
  -- Copied from the company, which nothing that is asked of a lead has to join.
  company_name       text,
  company_domain     text,
  -- What the questions of this lead hash to, one per form, so that accept finds stored answers by a join.
  -- Null: the lead cannot fill that form.
  name_domain_hash   bytea,
  name_company_hash  bytea,
  linkedin_hash      bytea,
  email_hash         bytea,
  created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  suppression_keys   integer[] GENERATED ALWAYS AS (
    lead_suppression_keys(ARRAY[linkedin_hash, name_domain_hash, name_company_hash, email_hash], company_domain, emails, phones)
  ) STORED
);
CREATE INDEX people_org_seq ON people (org_id, seq);
CREATE INDEX people_company ON people (company_id);

-- A whole value, such as 'country=germany', as search keeps it: an eighth of its width. As the parts of a partitioned table, it trusts
-- that hashtextextended stays what it is.
CREATE FUNCTION search_terms(terms text[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT hashtextextended(t, 0) FROM unnest(terms) AS t);

-- What a search looks at of each person, and nothing else: a count visits the row of every match, and of these a page holds three times
-- as many (docs/adr/0026).
CREATE TABLE people_search (
  seq            bigint PRIMARY KEY REFERENCES people (seq) ON DELETE CASCADE,
  id             uuid NOT NULL,
  org_id         uuid,
  employees_min  integer,
  employees_max  integer,
  -- Whether the lead came with one: what is found later is in lead_values.
  has_email      boolean NOT NULL DEFAULT false,
  has_phone      boolean NOT NULL DEFAULT false,
  -- Folded words, each marked with its field ('t_engineer' is a word of the title), for TEXT filters.
  words          tsvector NOT NULL DEFAULT '',
  -- Folded whole values, each marked with its field ('country=germany'), for LIST filters and STRICT text; by search_terms().
  terms          bigint[] NOT NULL DEFAULT '{}'
);
CREATE INDEX people_search_words ON people_search USING gin (words);
CREATE INDEX people_search_terms ON people_search USING gin (terms);
CREATE INDEX people_search_org_seq ON people_search (org_id, seq);

-- Every key a person is known by inside one scope: 'linkedin:…', 'email:…', 'name-domain:…', 'name-company:…'.
CREATE TABLE person_identities (
  org_id        uuid REFERENCES organisations (id),
  identity_key  text NOT NULL,
  person_id     uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  UNIQUE NULLS NOT DISTINCT (org_id, identity_key)
);
CREATE INDEX person_identities_person ON person_identities (person_id);

-- ── Money ──────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE credit_accounts (
  org_id   uuid PRIMARY KEY REFERENCES organisations (id),
  balance  bigint NOT NULL DEFAULT 0 CHECK (balance >= 0),
  -- Below it the organisation is low on credits; null: nobody is to be told.
  low_credits_threshold bigint CHECK (low_credits_threshold > 0)
);

CREATE TABLE credit_transactions (
  id              uuid PRIMARY KEY,
  org_id          uuid NOT NULL REFERENCES organisations (id),
  type            text NOT NULL CHECK (type IN ('credit_added', 'credit_consumed', 'credit_refunded')),
  amount          bigint NOT NULL CHECK (amount > 0),
  operation_type  text CHECK (operation_type IN ('enrichment_email', 'enrichment_phone')),
  source          text CHECK (source IN ('manual', 'signup_bonus', 'stripe_subscription', 'stripe_purchase')),
  reference_id    uuid,
  description     text NOT NULL DEFAULT '',
  metadata        jsonb NOT NULL DEFAULT '{}',
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((type = 'credit_added') = (source IS NOT NULL)),
  CHECK ((type <> 'credit_added') = (operation_type IS NOT NULL))
);
CREATE INDEX credit_transactions_history ON credit_transactions (org_id, created_at DESC, id DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: write a compensating row instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER credit_transactions_append_only BEFORE UPDATE OR DELETE ON credit_transactions
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_transactions_no_truncate BEFORE TRUNCATE ON credit_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ── Months ────────────────────────────────────────────────────────────────────────────────────────────────

-- What is told of work that was done long ago lies in months and goes by them (docs/adr/0022). The month is the id's: the first 48 bits
-- of a UUID v7 are its time, so that nothing need be stored or asked beside the key. Months are UTC's.

-- The least UUID v7 of a moment.
CREATE FUNCTION first_id_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CAST(lpad(to_hex(CAST(floor(extract(epoch FROM moment) * 1000) AS bigint)), 12, '0') || repeat('0', 20) AS uuid);

-- The time of a UUID v7, as whoever made it had it.
CREATE FUNCTION time_of_id(id uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_timestamp(CAST(CAST('x' || lpad(left(replace(CAST(id AS text), '-', ''), 12), 16, '0') AS bit(64)) AS bigint) / 1000.0);

-- Makes the partition of one month, if it is not there, and moves into it what the default partition has of it. The default is locked
-- until the transaction ends, the parent stays open: give it a lock_timeout. False: it was there.
CREATE FUNCTION make_month(p_table text, p_moment timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
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
END $$;

-- ── Accepted work ──────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE requests (
  id                    uuid PRIMARY KEY,
  org_id                uuid NOT NULL REFERENCES organisations (id),
  created_by            text NOT NULL,
  field                 text NOT NULL CHECK (field IN ('emails', 'phones')),
  mode                  text NOT NULL CHECK (mode IN ('manual', 'bulk', 'retry')),
  priority              text NOT NULL DEFAULT 'normal' CHECK (priority IN ('normal', 'high')),
  total                 integer NOT NULL CHECK (total >= 0),
  credits_charged       bigint NOT NULL CHECK (credits_charged >= 0),
  credit_transaction_id uuid REFERENCES credit_transactions (id),
  created_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When its client gave up what was still pending: from then on it keeps no row from being cancelled.
  cancelled_at          timestamptz,
  CHECK ((credits_charged > 0) = (credit_transaction_id IS NOT NULL))
) PARTITION BY RANGE (id);
-- Whatever an id says its time is, it finds a place.
CREATE TABLE requests_default PARTITION OF requests DEFAULT;
CREATE INDEX requests_org ON requests (org_id, created_at DESC, id DESC);

-- In one piece: the relay looks for open ones across all time. A fiftieth of the enrichments, they are deleted row by row. No key
-- refers to requests: dropping a month would have to read all of them; the audit finds what it would refuse.
CREATE TABLE batches (
  id             uuid PRIMARY KEY,
  org_id         uuid NOT NULL REFERENCES organisations (id),
  request_id     uuid NOT NULL,
  field          text NOT NULL CHECK (field IN ('emails', 'phones')),
  -- 0 is high, 1 is normal: smaller first, only inside one organisation.
  priority       smallint NOT NULL,
  size           integer NOT NULL CHECK (size > 0),
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  deadline_at    timestamptz NOT NULL,
  -- The relay's: when to look at this batch again.
  next_check_at  timestamptz NOT NULL,
  -- The worker's: a provider said wait. Nobody leases the batch before.
  not_before     timestamptz,
  -- Raised by the relay before each job it adds; the job's id holds it.
  generation     integer NOT NULL DEFAULT 0,
  raised_at      timestamptz,
  -- Set by the raise, cleared by give-back and completion: what an organisation has in BullMQ.
  queued_at      timestamptz,
  -- Raised with every lease and by whoever ends the batch: a late worker fails on it.
  fence          bigint NOT NULL DEFAULT 0,
  lease_until    timestamptz,
  leased_by      text,
  -- Leases taken since something was last settled. A crash leaves its 1 behind.
  deliveries     smallint NOT NULL DEFAULT 0,
  started_at     timestamptz,
  completed_at   timestamptz
);
-- The relay's claim reads batches in BullMQ and batches outside it apart: the first are few, of the second only the next.
CREATE INDEX batches_queued ON batches (org_id, field) WHERE completed_at IS NULL AND queued_at IS NOT NULL;
CREATE INDEX batches_unqueued ON batches (org_id, field, priority, id) WHERE completed_at IS NULL AND queued_at IS NULL;
CREATE INDEX batches_open_deadline ON batches (deadline_at) WHERE completed_at IS NULL;
CREATE INDEX batches_request ON batches (request_id);

CREATE TABLE lookups (
  id           uuid PRIMARY KEY,
  provider     text NOT NULL,
  base_url     text NOT NULL,
  field        text NOT NULL CHECK (field IN ('emails', 'phones')),
  -- SHA-256 of the form and its normalised inputs: what exactly was asked.
  input_hash   bytea NOT NULL CHECK (octet_length(input_hash) = 32),
  -- The nil UUID: shared by all. Otherwise the one organisation it may answer (SHARE_RESULTS=off).
  scope        uuid NOT NULL,
  state        text NOT NULL CHECK (state IN ('asked', 'hit', 'miss', 'restricted', 'failed')),
  -- Which asking this is: a failure counts only under one's own.
  ask          integer NOT NULL DEFAULT 1,
  -- How often an expired 'asked' was taken over: calls that a crash made us repeat.
  repeats      smallint NOT NULL DEFAULT 0,
  asked_at     timestamptz NOT NULL,
  answered_at  timestamptz,
  expires_at   timestamptz NOT NULL,
  -- Asynchronous providers: their id of the job (a string: it may exceed 2^53), and when to poll.
  external_id  text,
  poll_at      timestamptz,
  -- [{ kind, value, verdict, confidence, type }], only with a hit.
  candidates   jsonb,
  error        text,
  CHECK ((state = 'hit') = (candidates IS NOT NULL)),
  UNIQUE (provider, base_url, field, input_hash, scope)
);
-- Very few questions are ever asked again.
CREATE INDEX lookups_repeated ON lookups (id) WHERE repeats > 0;

-- Money keeps its foreign keys; the others of these three tables would double the time of an accept (docs/adr/0008), and
-- the audit finds what they would refuse.
--
-- By organisation, so that a statement touches one part: whatever names rows names their organisation. In the key the id comes first:
-- new rows stand side by side, and an operator who has an id alone finds it.
CREATE TABLE enrichments (
  id                    uuid NOT NULL,
  org_id                uuid NOT NULL,
  entity_type           text NOT NULL DEFAULT 'person' CHECK (entity_type IN ('person', 'company')),
  entity_id             uuid NOT NULL,
  field                 text NOT NULL CHECK (field IN ('emails', 'phones')),
  status                text NOT NULL CHECK (status IN ('pending', 'finished', 'failed', 'timeout', 'cancelled')),
  error                 text,
  data_found            boolean,
  created_by            text NOT NULL,
  -- The request that made this row; others may list it too.
  request_id            uuid NOT NULL,
  -- Null where a stored answer ended it at acceptance.
  batch_id              uuid,
  lookup_id             uuid,
  -- Misses answered before created_at do not count for this row.
  retry_not_found       boolean NOT NULL DEFAULT false,
  price                 integer NOT NULL CHECK (price >= 0),
  credit_transaction_id uuid REFERENCES credit_transactions (id),
  refund_transaction_id uuid REFERENCES credit_transactions (id) DEFERRABLE INITIALLY DEFERRED,
  created_at            timestamptz NOT NULL,
  updated_at            timestamptz NOT NULL,
  ended_at              timestamptz,
  superseded_at         timestamptz,
  CHECK ((status = 'pending') = (data_found IS NULL)),
  CHECK ((status = 'pending') = (ended_at IS NULL)),
  CHECK (status <> 'pending' OR (batch_id IS NOT NULL AND error IS NULL AND superseded_at IS NULL)),
  CHECK ((price = 0) = (credit_transaction_id IS NULL)),
  CHECK (data_found IS NOT TRUE OR (status = 'finished' AND lookup_id IS NOT NULL)),
  PRIMARY KEY (id, org_id)
) PARTITION BY HASH (org_id);
DO $$
BEGIN
  FOR i IN 0 .. 7 LOOP
    EXECUTE format('CREATE TABLE enrichments_%s PARTITION OF enrichments FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
  END LOOP;
END $$;
-- One live enrichment per organisation, lead and field. Accepts of one organisation are serialised by its
-- account lock; this is the wall behind that.
CREATE UNIQUE INDEX enrichments_live ON enrichments (org_id, entity_type, entity_id, field) WHERE superseded_at IS NULL;
CREATE INDEX enrichments_pending ON enrichments (batch_id) WHERE status = 'pending';
CREATE INDEX enrichments_request ON enrichments (request_id);
CREATE INDEX enrichments_debit ON enrichments (credit_transaction_id) WHERE credit_transaction_id IS NOT NULL;
CREATE INDEX enrichments_refund ON enrichments (refund_transaction_id) WHERE refund_transaction_id IS NOT NULL;
-- For erasures: rows of a lead are found by organisation while they are live, and by this afterwards. Few rows ever are.
CREATE INDEX enrichments_superseded ON enrichments (entity_id) WHERE superseded_at IS NOT NULL;

CREATE TABLE request_enrichments (
  request_id     uuid NOT NULL,
  position       integer NOT NULL,
  enrichment_id  uuid NOT NULL,
  PRIMARY KEY (request_id, position)
) PARTITION BY RANGE (request_id);
CREATE TABLE request_enrichments_default PARTITION OF request_enrichments DEFAULT;
CREATE INDEX request_enrichments_enrichment ON request_enrichments (enrichment_id);

CREATE TABLE attempts (
  enrichment_id  uuid NOT NULL,
  provider       text NOT NULL,
  -- Null: skipped without a lookup.
  lookup_id      uuid,
  ask            integer,
  -- True where another's answer, or another's question under way, served this row.
  shared         boolean NOT NULL,
  -- Null while the answer is awaited.
  outcome        text CHECK (outcome IN ('hit', 'miss', 'restricted', 'failed', 'skipped')),
  error          text,
  duration_ms    integer,
  -- What the provider charges, in its own credits; null where unknown.
  provider_cost  numeric(12, 4),
  -- What the provider itself said it charged; provider_cost is ours, by its published price. Null where it says nothing.
  stated_cost    numeric(12, 4),
  started_at     timestamptz NOT NULL,
  ended_at       timestamptz,
  CHECK ((outcome IS NULL) = (ended_at IS NULL)),
  PRIMARY KEY (enrichment_id, provider)
) PARTITION BY RANGE (enrichment_id);
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;
-- An answer ends every attempt of its asking.
CREATE INDEX attempts_awaited ON attempts (lookup_id) WHERE outcome IS NULL;
-- Reports read the attempts of a time. They are written in that order: a few bytes for each hundred pages find it, where a tree
-- would cost every attempt an entry.
CREATE INDEX attempts_started ON attempts USING brin (started_at) WITH (autosummarize = on);

CREATE TABLE lead_values (
  org_id         uuid NOT NULL REFERENCES organisations (id),
  lead_id        uuid NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('email', 'phone')),
  value          text NOT NULL,
  verdict        text NOT NULL CHECK (verdict IN ('deliverable', 'risky', 'catch_all', 'unknown', 'invalid')),
  confidence     real CHECK (confidence BETWEEN 0 AND 1),
  line_type      text,
  flags          text[] NOT NULL DEFAULT '{}',
  provider       text NOT NULL,
  enrichment_id  uuid NOT NULL,
  found_at       timestamptz NOT NULL,
  -- What each provider said of the value. Empty: the row itself is the one finding.
  findings       jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (org_id, lead_id, kind, value)
);

CREATE TABLE idempotency_keys (
  org_id           uuid NOT NULL REFERENCES organisations (id),
  key              text NOT NULL,
  fingerprint      bytea NOT NULL,
  request_id       uuid NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- ── Suppression ────────────────────────────────────────────────────────────────────────────────────────────

-- Whom nobody may be asked about: hashes alone, so that forgetting a person leaves nothing of the person behind.

-- One erasure of a person: which leads it found, so that it can be finished after a crash when they are gone.
CREATE TABLE erasures (
  id            uuid PRIMARY KEY,
  lead_ids      uuid[] NOT NULL,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  completed_at  timestamptz
);

CREATE TABLE suppressions (
  id           uuid PRIMARY KEY,
  -- Null: for every organisation.
  org_id       uuid REFERENCES organisations (id),
  -- question: a question to a provider, hashed as a lookup's input_hash is. linkedin is one too.
  kind         text NOT NULL CHECK (kind IN ('email', 'domain', 'phone', 'linkedin', 'question')),
  -- SHA-256 of the normalised value with its kind (docs/adr/0011). No two kinds share one.
  hash         bytea NOT NULL CHECK (octet_length(hash) = 32),
  source       text NOT NULL CHECK (source IN ('operator', 'erasure', 'provider')),
  reason       text NOT NULL DEFAULT '',
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  erasure_id   uuid REFERENCES erasures (id),
  CHECK ((source = 'erasure') = (erasure_id IS NOT NULL)),
  -- A check probes it with the hash alone: an organisation's own entry and everybody's stand side by side.
  UNIQUE NULLS NOT DISTINCT (hash, org_id)
);
CREATE INDEX suppressions_erasure ON suppressions (erasure_id) WHERE erasure_id IS NOT NULL;
CREATE INDEX suppressions_key ON suppressions (hash_key(hash));

-- ── Providers ──────────────────────────────────────────────────────────────────────────────────────────────

-- The row that everybody locks who books a call of this account: first, and the only lock of a booking.
CREATE TABLE provider_accounts (
  account  text PRIMARY KEY
);

-- One row per provider account, limit and unit. What was booked lies in buckets, parallel arrays, oldest first: a bucket
-- opens with its first call, takes what follows for 1/50 of the window, and stops counting one window after the last
-- moment at which one of its calls may leave. Times are milliseconds since 1970, all of PostgreSQL's clock.
CREATE TABLE provider_limits (
  account    text NOT NULL,
  window_ms  bigint NOT NULL CHECK (window_ms > 0),
  unit       text NOT NULL CHECK (unit IN ('calls', 'records')),
  begins_ms  double precision[] NOT NULL,
  ends_ms    double precision[] NOT NULL,
  used       integer[] NOT NULL,
  PRIMARY KEY (account, window_ms, unit)
) WITH (fillfactor = 50);

-- What providers tell of their limits in the headers of their responses. It tightens ours, for all workers, until it expires.
CREATE TABLE provider_told_limits (
  account          text NOT NULL,
  window_ms        bigint NOT NULL CHECK (window_ms > 0),
  unit             text NOT NULL CHECK (unit IN ('calls', 'records')),
  amount           bigint NOT NULL CHECK (amount > 0),
  -- Times are milliseconds since 1970, of PostgreSQL's clock, as in provider_limits.
  told_ms          double precision NOT NULL,
  expires_ms       double precision NOT NULL,
  -- What the provider has counted beyond our own calls: another program uses the key. It counts until the provider's reset.
  others           bigint NOT NULL CHECK (others >= 0),
  others_until_ms  double precision NOT NULL,
  PRIMARY KEY (account, window_ms, unit)
) WITH (fillfactor = 50);

-- How many of a provider's places (calls in flight) each process holds; a crash leaves its places to expire.
CREATE TABLE provider_slots (
  account       text NOT NULL,
  holder        uuid NOT NULL,
  places        integer NOT NULL CHECK (places >= 0),
  expires_at    timestamptz NOT NULL,
  -- Set while the process waits for a place: the longest waiting comes first. It polls; what is past has gone away.
  wanted_since  timestamptz,
  wanted_until  timestamptz,
  PRIMARY KEY (account, holder)
) WITH (fillfactor = 50);

-- A provider that refused our key, is out of credit, told us to wait, or is down: nobody asks it before open_until.
-- After that a single probe may leave at a time (after 'rate', everybody); its success deletes the row.
CREATE TABLE provider_breakers (
  account       text PRIMARY KEY,
  kind          text NOT NULL CHECK (kind IN ('auth', 'no_credit', 'rate', 'down')),
  reason        text NOT NULL,
  open_until    timestamptz NOT NULL,
  opened_at     timestamptz NOT NULL,
  -- How often it was opened again by a failed probe.
  reopened      integer NOT NULL DEFAULT 0,
  probe_until   timestamptz,
  probe_holder  uuid
);

-- The first moment, not before p_from, at which p_need more stay within p_amount in every window of p_window_ms. A bucket of which a
-- call went out late ends after those that were booked behind it, and keeps nobody from what they make room for.
CREATE FUNCTION provider_limit_opens_at(
  p_from double precision, p_window_ms bigint, p_amount bigint, p_need bigint,
  p_ends double precision[], p_used integer[]
) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_need > p_amount THEN 'Infinity'
    WHEN coalesce(max(b.total), 0) + p_need <= p_amount THEN p_from
    ELSE greatest(p_from, min(b.ends) FILTER (WHERE b.total - b.freed + p_need <= p_amount) + p_window_ms)
  END
  FROM (
    SELECT ends, sum(used) OVER (ORDER BY ends) AS freed, sum(used) OVER () AS total FROM unnest(p_ends, p_used) AS u (ends, used)
  ) b
$$;

-- What still counts at a moment, booked earlier.
CREATE FUNCTION provider_limit_used(
  p_at double precision, p_window_ms bigint, p_ends double precision[], p_used integer[]
) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  total bigint := 0;
BEGIN
  FOR i IN REVERSE cardinality(p_ends) .. 1 LOOP
    IF p_ends[i] + p_window_ms > p_at THEN total := total + p_used[i]; END IF;
  END LOOP;
  RETURN total;
END $$;

-- How long a response may be on its way before what it tells is compared with what we have booked.
CREATE FUNCTION provider_limit_grace(p_window_ms bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT least(p_window_ms / 50.0, 2000)
$$;

-- The bucket that a booking for this time was counted in: the last that began no later; 0 if it is forgotten.
CREATE FUNCTION provider_limit_bucket(p_begins double precision[], p_from double precision) RETURNS integer
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  n integer := cardinality(p_begins);
BEGIN
  WHILE n > 0 AND p_begins[n] > p_from LOOP n := n - 1; END LOOP;
  RETURN n;
END $$;

-- What one bucket of a window takes: of windows up to two seconds a quarter more than its share, so that calls come evenly and a
-- pause is made up for; of small amounts 10, of longer windows all, since a daily limit must not drip. One call always fits.
-- (Three times its share made of 200 calls a second 600 in the first third of every second.)
CREATE FUNCTION provider_limit_even_share(p_window_ms bigint, p_amount bigint, p_need bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_window_ms > 2000 THEN p_amount
              ELSE greatest(p_need, CASE WHEN p_amount < 200 THEN 10 ELSE ceil(p_amount / 40.0)::bigint END) END
$$;

-- Books calls of one provider account: a time to leave within all limits, and a place each, or nothing. One round trip.
-- Why no window of the full length ever sees more than the limit: of the calls that leave in it, take the one booked last.
-- It leaves at leave_from_ms or later; every other leaves less than a window before or after it and was therefore counted.
CREATE FUNCTION book_provider_calls(
  p_account text,
  -- The process, and the places that its calls hold now.
  p_holder uuid, p_held integer,
  -- Records of each waiting call, in order; the first p_placed hold a place already.
  p_records integer[], p_placed integer,
  p_window_ms bigint[], p_units text[], p_amounts bigint[], p_concurrent integer,
  -- How far ahead a call is booked, and how late it may leave; after what time the places of a process that says nothing are free
  -- again, and another probe may leave where the one before it says nothing.
  p_lead_ms double precision, p_slack_ms double precision, p_place_ms double precision, p_probe_ms double precision,
  -- Earlier bookings of this process, by leave_from_ms, that no call has used and none will.
  p_unused_from_ms double precision[], p_unused_records integer[],
  -- Calls that went out later than they should have, and when at the latest: connecting took its time.
  p_late_from_ms double precision[], p_late_until_ms double precision[],
  -- Tests only: the time, instead of the clock's.
  p_clock_ms double precision DEFAULT NULL,
  OUT clock_ms double precision, OUT granted integer,
  OUT leave_from_ms double precision, OUT leave_until_ms double precision,
  -- What the first call that was not booked waits for: limit, places, breaker; and how long at least.
  OUT waits_for text, OUT wait_ms double precision,
  OUT breaker_kind text, OUT breaker_reason text,
  -- The records that one call may hold; null: as many as it likes.
  OUT records_at_most bigint,
  -- While it holds no more places, a call of this process may take over that of another without asking.
  OUT kept_places integer
) LANGUAGE plpgsql AS $$
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
END $$;

-- Books calls of one provider account as book_provider_calls does, which decides about each of them, and goes on where the limit is
-- used up: one round trip books all that leaves in the next p_spread_ms, at one time after another. Exact for the same reason.
CREATE FUNCTION book_provider_departures(
  p_account text, p_holder uuid, p_held integer, p_records integer[], p_placed integer,
  p_window_ms bigint[], p_units text[], p_amounts bigint[], p_concurrent integer,
  p_lead_ms double precision, p_slack_ms double precision, p_place_ms double precision, p_probe_ms double precision,
  p_unused_from_ms double precision[], p_unused_records integer[],
  p_late_from_ms double precision[], p_late_until_ms double precision[],
  -- How far ahead the last of them may leave, at least the lead, and how long after the first. 0: all leave at one time.
  p_ahead_ms double precision, p_spread_ms double precision,
  -- No call leaves before this process has committed something else durably: so this commit need not wait for the disk.
  p_is_deferred boolean,
  p_clock_ms double precision DEFAULT NULL,
  OUT clock_ms double precision, OUT granted integer,
  -- By time to leave: how many calls, from when, until when.
  OUT calls integer[], OUT leave_from_ms double precision[], OUT leave_until_ms double precision[],
  OUT waits_for text, OUT wait_ms double precision,
  OUT breaker_kind text, OUT breaker_reason text, OUT records_at_most bigint, OUT kept_places integer
) LANGUAGE plpgsql AS $$
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
END $$;

-- Takes back what was booked and never left, and counts what went out late for as much longer; each in its own bucket.
CREATE FUNCTION correct_provider_limit(
  p_account text, p_window_ms bigint, p_unit text, p_unused_from double precision[], p_unused_records integer[],
  p_late_from double precision[], p_late_until double precision[]
) RETURNS void LANGUAGE plpgsql AS $$
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
END $$;

-- Counts calls that may leave from p_from to p_until, and forgets buckets that count no more.
CREATE FUNCTION add_to_provider_limit(
  p_account text, p_window_ms bigint, p_unit text, p_clock double precision, p_from double precision,
  p_until double precision, p_count integer
) RETURNS void LANGUAGE plpgsql AS $$
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
END $$;

-- Keeps what a response told of one window: its amount, what remains of it, and when that resets. It never loosens what is
-- configured, and ends by itself: the amount an hour after it was last told (a window after, if that is longer), the rest at
-- the reset. A larger amount replaces a smaller one a minute after that was last told: endpoints of one account may differ.
CREATE FUNCTION tell_provider_limit(
  p_account text, p_window_ms bigint, p_unit text, p_amount bigint, p_remaining bigint, p_reset_ms double precision,
  -- Tests only: the time, instead of the clock's.
  p_clock_ms double precision DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
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
END $$;

-- The months of now, and those that the next weeks need; workers and `migrate` go on from here.
SELECT make_month(t, clock_timestamp() + n * interval '1 month')
  FROM unnest(ARRAY['requests', 'request_enrichments', 'attempts']) AS t, generate_series(0, 3) AS n;
