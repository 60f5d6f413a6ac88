-- transaction: none
-- Consents that ended since an instant, for the ends of purposes at the close of day.
CREATE INDEX CONCURRENTLY IF NOT EXISTS consent_ended ON consents.consent (ended_at) WHERE ended_at IS NOT NULL;
