-- transaction: none
-- The close of day ends what was never decided; there is next to nothing of it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS application_undecided ON decisioning.application (application_id) WHERE status IN ('received', 'gathering');
