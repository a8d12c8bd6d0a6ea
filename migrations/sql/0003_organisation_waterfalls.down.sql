ALTER TABLE attempts DROP COLUMN stated_cost;
DROP TABLE organisation_waterfalls;
