-- To which line or loan a transfer belongs.

-- name: line_of_number
-- The line of a reference; whose it is nobody but the line says.
-- gives   at most one row
-- locks   none
SELECT customer_id, line_id, lender_id, currency::text AS currency
FROM lending.credit_line
WHERE line_id = :line_id;

-- name: loan_of_number
-- The loan of a reference, with its line.
-- gives   at most one row
-- locks   none
SELECT o.customer_id, o.line_id, o.lender_id, o.currency::text AS currency, o.status
FROM lending.loan AS o
WHERE o.loan_id = :loan_id;

-- name: loan_that_keeps
-- The loan of a line that keeps what no running one takes: one that runs, else the last paid off.
-- gives   one number, or none
-- locks   none
SELECT loan_id FROM lending.loan
WHERE customer_id = :customer_id AND line_id = :line_id AND status IN ('open', 'closed')
ORDER BY status = 'open' DESC, closed_on DESC, loan_id DESC
LIMIT 1;

-- name: line_of_repayment
-- The line that a repayment was booked on.
-- gives   one number
-- locks   none
SELECT o.line_id
FROM lending.loan_transaction AS t
JOIN lending.loan AS o ON o.customer_id = t.customer_id AND o.loan_id = t.loan_id
WHERE t.customer_id = :customer_id AND t.repayment_id = :repayment_id
LIMIT 1;

-- name: repayment_of_key
-- The repayment that was booked under a key, with what became of it.
-- gives   one number, NULL where nothing was booked
-- locks   none
SELECT min(t.repayment_id)
FROM lending.loan_transaction AS t
WHERE t.customer_id = :customer_id AND t.idempotency_key = :key AND t.kind = 'repayment';
