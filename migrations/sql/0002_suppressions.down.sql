DROP TABLE suppressions, erasures;
