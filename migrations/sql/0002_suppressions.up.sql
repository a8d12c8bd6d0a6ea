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
