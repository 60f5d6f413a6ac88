-- transaction: none
-- A line is looked up by its number alone, and the list of lines runs from the newest back.
CREATE INDEX CONCURRENTLY IF NOT EXISTS line_number ON lending.credit_line (line_id);
