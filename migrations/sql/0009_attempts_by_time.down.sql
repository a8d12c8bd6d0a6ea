DROP INDEX lookups_repeated;
DROP INDEX attempts_started;
