-- Whom an organisation has asked, in its own order; without a row, the deployment's waterfall of PROVIDERS_FILE counts.
-- Names, not foreign keys: which providers there are is the deployment's to say, and changes with it.
CREATE TABLE organisation_waterfalls (
  org_id      uuid NOT NULL REFERENCES organisations (id),
  field       text NOT NULL CHECK (field IN ('emails', 'phones')),
  providers   text[] NOT NULL CHECK (providers <> '{}'),
  updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, field)
);

-- What the provider itself said it charged, beside provider_cost, which is ours by its published price; null where it says nothing.
ALTER TABLE attempts ADD COLUMN stated_cost numeric(12, 4);
