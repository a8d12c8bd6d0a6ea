-- The relay's claim reads batches in BullMQ and batches outside it apart: the first are few, of the second only the next.
CREATE INDEX batches_queued ON batches (org_id, field) WHERE completed_at IS NULL AND queued_at IS NOT NULL;
CREATE INDEX batches_unqueued ON batches (org_id, field, priority, id) WHERE completed_at IS NULL AND queued_at IS NULL;
DROP INDEX batches_due;
