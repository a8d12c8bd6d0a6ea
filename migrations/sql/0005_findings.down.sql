ALTER TABLE lead_values DROP COLUMN findings;
