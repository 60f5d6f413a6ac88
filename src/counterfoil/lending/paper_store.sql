-- Cost sheets of loans, and statements of lines with their versions.

-- name: transactions_noted_at
-- Transactions by the instant of their booking, which their event bears as well.
-- gives   the rows by customer, in the order of booking
-- locks   none
SELECT t.customer_id, t.transaction_id, t.loan_id, t.line_id, t.kind, t.value_date, t.book_date,
       t.mode, t.repayment_id
FROM unnest(:customer_ids::bigint[], :instants::timestamptz[]) AS e (customer_id, at)
JOIN lending.loan_transaction AS t ON t.customer_id = e.customer_id AND t.posted_at = e.at
ORDER BY t.customer_id, t.transaction_id;

-- name: add_sheet
-- Another sheet of a loan; one that its cause has made already stays.
-- gives   a row where it was added
-- locks   nothing
INSERT INTO lending.cost_sheet (
    customer_id, loan_id, sheet_no, cause, transaction_id, language, read_ms, sheet, sheet_sha256,
    before_sha256, difference, made_on, made_at)
SELECT :customer_id, :loan_id,
       (SELECT count(*) + 1 FROM lending.cost_sheet AS c
        WHERE c.customer_id = :customer_id AND c.loan_id = :loan_id)::smallint,
       :cause, :transaction_id, :language, :read_ms, :sheet, :sheet_sha256, :before_sha256,
       :difference, :made_on, :made_at
ON CONFLICT ON CONSTRAINT cost_sheet_once_a_cause DO NOTHING
RETURNING 1;

-- name: sheets_of_loan
-- The sheets of a loan.
-- gives   the rows in their order
-- locks   none
SELECT c.customer_id, c.loan_id, c.sheet_no, c.cause, c.transaction_id, c.language, c.read_ms,
       c.sheet, c.sheet_sha256, c.before_sha256, c.difference, c.made_on, c.made_at
FROM lending.cost_sheet AS c
WHERE c.customer_id = :customer_id AND c.loan_id = :loan_id
ORDER BY c.sheet_no;

-- name: sheets_of_range
-- The sheets of a range of customers.
-- gives   the rows by loan and number
-- locks   none
SELECT c.customer_id, c.loan_id, c.sheet_no, c.cause, c.transaction_id, c.language, c.read_ms,
       c.sheet, c.sheet_sha256, c.before_sha256, c.difference, c.made_on, c.made_at
FROM lending.cost_sheet AS c
WHERE c.customer_id > :after AND c.customer_id <= :through
ORDER BY c.customer_id, c.loan_id, c.sheet_no;

-- name: add_statement
-- Another version of a month's statement.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.statement (
    customer_id, line_id, month, version_no, reason, cause_id, statement, statement_sha256,
    difference, made_on, made_at)
VALUES (:customer_id, :line_id, :month, :version_no, :reason, :cause_id, :statement,
    :statement_sha256, :difference, :made_on, :made_at)
ON CONFLICT ON CONSTRAINT statement_pkey DO NOTHING;

-- name: statements_of_line
-- The statements of a line, of one month or of all.
-- gives   the rows by month and version
-- locks   none
SELECT s.customer_id, s.line_id, s.month, s.version_no, s.reason, s.cause_id, s.statement,
       s.statement_sha256, s.difference, s.made_on, s.made_at
FROM lending.statement AS s
WHERE s.customer_id = :customer_id AND s.line_id = :line_id
  AND (:month::date IS NULL OR s.month = :month)
ORDER BY s.month, s.version_no;
