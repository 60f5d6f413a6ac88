-- transaction: none
-- Funnels read the applications of the last weeks; they arrive in the order of their instants, so
-- a block-range index is enough.
CREATE INDEX CONCURRENTLY IF NOT EXISTS application_received ON decisioning.application USING brin (received_at) WITH (pages_per_range = 32);
