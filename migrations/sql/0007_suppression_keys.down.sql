DROP INDEX enrichments_superseded;
DROP INDEX suppressions_key;
ALTER TABLE people DROP COLUMN suppression_keys;
DROP FUNCTION lead_suppression_keys, hash_key;
