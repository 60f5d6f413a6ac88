-- Named queries of the portal over the views of schema reporting; each is of one customer, and
-- nothing here writes or locks.

-- name: openings_of_customer
-- Every look at a report about the customer, newest first.
-- gives   at most :page rows
-- locks   none
SELECT opening_id, purpose, opened_by, grant_id, opened_at, leaf_id
FROM reporting.report_opening
WHERE customer_id = :customer_id
ORDER BY opening_id DESC
LIMIT :page;

-- name: applications_of_customer
-- The customer's applications, newest first.
-- gives   at most :page rows
-- locks   none
SELECT application_id, product_code, status, received_at, decided_at
FROM reporting.application
WHERE customer_id = :customer_id
ORDER BY application_id DESC
LIMIT :page;

-- name: payouts_of_loan
-- The payments of one loan of the customer, newest first.
-- gives   at most :page rows
-- locks   none
SELECT payment_id, direction, status, amount_minor, currency
FROM reporting.payment
WHERE customer_id = :customer_id AND loan_id = :loan_id
ORDER BY payment_id DESC
LIMIT :page;
