-- transaction: none
-- The index of ending offers and referrals serves what this one did.
DROP INDEX CONCURRENTLY IF EXISTS decisioning.application_expiring;
