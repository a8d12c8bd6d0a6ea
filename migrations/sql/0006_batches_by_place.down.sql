CREATE INDEX batches_due ON batches (org_id, field, priority, id) WHERE completed_at IS NULL;
DROP INDEX batches_unqueued;
DROP INDEX batches_queued;
