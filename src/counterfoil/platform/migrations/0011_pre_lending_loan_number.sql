-- transaction: none
-- A loan is looked up by its number alone, and the list of loans runs from the newest back.
CREATE INDEX CONCURRENTLY IF NOT EXISTS loan_number ON lending.loan (loan_id);
