-- Whether a lead may be suppressed is asked for a thousand leads at once, and hashing what they are known by took longer than
-- the rest of an accept: four bytes of each hash stand with the lead. This rewrites people.

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

ALTER TABLE people ADD COLUMN suppression_keys integer[] GENERATED ALWAYS AS (
  lead_suppression_keys(ARRAY[linkedin_hash, name_domain_hash, name_company_hash, email_hash], company_domain, emails, phones)
) STORED;

CREATE INDEX suppressions_key ON suppressions (hash_key(hash));

-- For erasures: rows of a lead are found by organisation while they are live, and by this afterwards. Few rows ever are.
CREATE INDEX enrichments_superseded ON enrichments (entity_id) WHERE superseded_at IS NOT NULL;
