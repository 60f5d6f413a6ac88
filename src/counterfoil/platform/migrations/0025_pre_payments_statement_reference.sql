-- transaction: none
-- Lines under references that are of no order of ours are found again while they are in question.
CREATE INDEX CONCURRENTLY IF NOT EXISTS statement_line_reference ON payments.statement_line (reference);
