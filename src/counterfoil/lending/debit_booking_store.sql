-- What auto-debits brought, as the loans have it.

-- name: debit_bookings
-- Transactions by which debits were booked on a day, and those of other debits that are named, each
-- with whatever took them back since.
-- gives   the key under which the books heard of the debit, and the transaction
-- locks   none
SELECT b.customer_id, b.idempotency_key, t.transaction_id
FROM (
    SELECT o.customer_id, o.idempotency_key, o.repayment_id
    FROM lending.loan_transaction AS o
    WHERE o.channel = 'auto_debit' AND o.kind = 'repayment' AND o.book_date = :book_date::date
    UNION
    SELECT o.customer_id, o.idempotency_key, o.repayment_id
    FROM unnest(:customer_ids::bigint[], :keys::text[]) AS k (customer_id, idempotency_key)
    JOIN lending.loan_transaction AS o
      ON o.customer_id = k.customer_id AND o.idempotency_key = k.idempotency_key
     AND o.kind = 'repayment') AS b
JOIN lending.loan_transaction AS t
  ON t.customer_id = b.customer_id AND t.repayment_id = b.repayment_id;

-- name: repayment_of_debit
-- The repayment that a debit was booked as, by the key under which the books heard of it.
-- gives   one number, NULL where it was not booked
-- locks   none
SELECT min(t.repayment_id)
FROM lending.loan_transaction AS t
WHERE t.customer_id = :customer_id AND t.idempotency_key = :key AND t.kind = 'repayment';
