-- Everything that has happened on the lines of customers, for whoever keeps a history of it.

-- name: openings_of_customers
-- When lines were opened, and with which limit.
-- gives   one row a line
-- locks   none
SELECT l.customer_id, l.line_id, l.opened_on,
       coalesce(first.before_value::bigint, l.limit_minor) AS limit_minor
FROM lending.credit_line AS l
LEFT JOIN LATERAL (
    SELECT e.before_value
    FROM lending.line_event AS e
    WHERE e.customer_id = l.customer_id AND e.line_id = l.line_id
      AND e.kind IN ('limit_raised', 'limit_lowered', 'limit_restored')
    ORDER BY e.version
    LIMIT 1
) AS first ON true
WHERE l.customer_id = ANY (:customer_ids::bigint[])
ORDER BY l.customer_id, l.line_id;

-- name: limit_changes_of_customers
-- Changes of the limits of lines.
-- gives   one row a change, oldest first
-- locks   none
SELECT e.customer_id, e.line_id, e.version, e.kind, e.after_value::bigint AS limit_minor,
       e.book_date, e.at
FROM lending.line_event AS e
WHERE e.customer_id = ANY (:customer_ids::bigint[])
  AND e.kind IN ('limit_raised', 'limit_lowered', 'limit_restored')
ORDER BY e.customer_id, e.line_id, e.version;

-- name: movements_of_customers
-- Money paid out and repaid, less what was taken back.
-- gives   one row a transaction that stands
-- locks   none
SELECT t.customer_id, t.transaction_id, t.line_id, t.kind, t.amount_minor, t.value_date, t.posted_at
FROM lending.loan_transaction AS t
WHERE t.customer_id = ANY (:customer_ids::bigint[])
  AND t.kind IN ('disbursement', 'repayment')
  AND t.amount_minor > 0
  AND NOT EXISTS (
      SELECT FROM lending.loan_transaction AS undone
      WHERE undone.customer_id = t.customer_id AND undone.loan_id = t.loan_id
        AND undone.kind IN ('reversal', 'payout_returned') AND undone.relates_to = t.transaction_id
  )
ORDER BY t.customer_id, t.transaction_id;

-- name: loans_closed_of_customers
-- Loans that were repaid in full, with the last day on which anything happened on them.
-- gives   one row a loan
-- locks   none
SELECT o.customer_id, o.loan_id, o.line_id,
       coalesce(o.closed_on, max(t.value_date), o.maturity_date, o.requested_on) AS closed_on,
       max(t.posted_at) AS posted_at
FROM lending.loan AS o
LEFT JOIN lending.loan_transaction AS t
    ON t.customer_id = o.customer_id AND t.loan_id = o.loan_id
WHERE o.customer_id = ANY (:customer_ids::bigint[]) AND o.status = 'closed'
GROUP BY o.customer_id, o.loan_id, o.line_id, o.closed_on, o.maturity_date, o.requested_on
ORDER BY o.customer_id, o.loan_id;

-- name: instalments_of_customers
-- Instalments that fell due, and when they were settled.
-- gives   one row an instalment
-- locks   none
SELECT i.customer_id, i.loan_id, o.line_id, i.instalment_no, i.due_date, i.settled_on,
       i.principal_minor + i.interest_minor AS amount_minor, o.grace_days,
       min(t.posted_at) AS settled_at
FROM lending.instalment AS i
JOIN lending.loan AS o ON o.customer_id = i.customer_id AND o.loan_id = i.loan_id
LEFT JOIN lending.loan_transaction AS t
    ON t.customer_id = i.customer_id AND t.loan_id = i.loan_id
   AND t.kind = 'repayment' AND t.value_date = i.settled_on
WHERE i.customer_id = ANY (:customer_ids::bigint[])
GROUP BY i.customer_id, i.loan_id, o.line_id, i.instalment_no, i.due_date, i.settled_on,
         i.principal_minor, i.interest_minor, o.grace_days
ORDER BY i.customer_id, i.loan_id, i.instalment_no;

-- name: bring_reviews_forward
-- Lets the lines of a customer be reviewed on a day at the latest.
-- gives   nothing
-- locks   the rows
UPDATE lending.review_due
SET next_review_on = :on_date
WHERE customer_id = :customer_id AND next_review_on > :on_date;
