-- transaction: none
-- The close of day ends offers and referrals by their date.
CREATE INDEX CONCURRENTLY IF NOT EXISTS application_ending ON decisioning.application (valid_until, application_id) WHERE status IN ('approved', 'referred');
