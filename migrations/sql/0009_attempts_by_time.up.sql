-- Reports read the attempts of a time. They are written in that order: a few bytes for each hundred pages find it, where a tree
-- would cost every attempt an entry.
CREATE INDEX attempts_started ON attempts USING brin (started_at) WITH (autosummarize = on);
-- Very few questions are ever asked again.
CREATE INDEX lookups_repeated ON lookups (id) WHERE repeats > 0;
