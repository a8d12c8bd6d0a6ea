-- What each provider said of a value. Empty for what was stored before: there the row itself is the one finding.
ALTER TABLE lead_values ADD COLUMN findings jsonb NOT NULL DEFAULT '[]';
