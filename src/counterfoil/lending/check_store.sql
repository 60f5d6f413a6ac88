-- name: customers_bound
-- The last customer of the next page of customers with lines, a boundary for all that is checked.
-- gives   one row, none where fewer than a page are left
-- locks   none
SELECT l.customer_id
FROM lending.credit_line AS l
WHERE l.customer_id > :after
ORDER BY l.customer_id
OFFSET :page - 1
LIMIT 1;

-- name: lines_of_range
-- The lines of a range of customers; the order of the columns is that of the line's fields.
-- gives   the lines of customers after one and up to another
-- locks   none
SELECT l.customer_id, l.line_id, l.application_id, l.product_code, l.product_version, l.lender_id,
       l.currency, l.status, l.limit_minor, l.rate_daily_e8, l.repayment_day, l.opened_on,
       l.valid_to, l.version, l.own_cap_minor, l.principal_minor, l.held_minor, l.credit_minor,
       l.frozen_until, l.status_reason, l.next_cap_minor, l.next_cap_on, l.day_changed_on,
       l.day_changes, l.returning_minor, l.contract_id, l.agreement_sha256, l.agreed_limit_minor
FROM lending.credit_line AS l
WHERE l.customer_id > :after AND l.customer_id <= :through
ORDER BY l.customer_id, l.line_id;

-- name: loans_of_range
-- The loans of a range of customers; the order of the columns is that of the loan's fields.
-- gives   the loans of customers after one and up to another
-- locks   none
SELECT o.customer_id, o.loan_id, o.line_id, o.product_code, o.product_version, o.lender_id,
       o.currency, o.method, o.purpose, o.payee_ref, o.cost_sheet_hash, o.original_minor,
       o.rate_daily_e8, o.penalty_daily_e8, o.grace_days, o.tenor_months, o.repayment_day,
       o.requested_on, o.status, o.start_date, o.first_due_date, o.maturity_date, o.closed_on,
       o.principal_minor, o.due_principal_minor, o.penal_principal_minor, o.due_interest_minor,
       o.accrued_interest_e8, o.accrued_penalty_e8, o.accrued_to, o.instalment_minor,
       o.advance_minor, o.next_instalment_no, o.next_due_date, o.next_event_on, o.oldest_due_date,
       o.bucket, o.interest_paid_minor, o.penalty_paid_minor, o.last_sequence, o.version,
       o.contract_id, o.note_ref, o.note_sha256, o.fees, o.due_fee_minor, o.due_guarantee_minor,
       o.fee_paid_minor, o.guarantee_paid_minor, o.signed, o.sheet_read_ms
FROM lending.loan AS o
WHERE o.customer_id > :after AND o.customer_id <= :through
ORDER BY o.customer_id, o.loan_id;

-- name: instalments_of_range
-- The instalments of a range of customers.
-- gives   the instalments of customers after one and up to another
-- locks   none
SELECT i.customer_id, i.loan_id, i.instalment_no, i.due_date, i.principal_minor, i.interest_minor,
       i.principal_paid_minor, i.interest_paid_minor, i.penal, i.settled_on, i.fee_minor,
       i.guarantee_minor, i.fee_paid_minor, i.guarantee_paid_minor
FROM lending.instalment AS i
WHERE i.customer_id > :after AND i.customer_id <= :through
ORDER BY i.customer_id, i.loan_id, i.instalment_no;

-- name: transactions_of_range
-- What happened to the loans of a range of customers.
-- gives   the transactions of customers after one and up to another, in the order of booking
-- locks   none
SELECT t.customer_id, t.transaction_id, t.loan_id, t.line_id, t.sequence, t.kind, t.value_date,
       t.book_date, t.posted_at, t.amount_minor, t.principal_minor, t.interest_minor,
       t.penalty_minor, t.excess_minor, t.mode, t.repayment_id, t.relates_to, t.channel, t.reason,
       t.idempotency_key, t.fee_minor, t.guarantee_minor, t.plan, t.xmin::text::bigint AS xid
FROM lending.loan_transaction AS t
WHERE t.customer_id > :after AND t.customer_id <= :through
ORDER BY t.customer_id, t.loan_id, t.sequence;

-- name: line_events_of_range
-- The changes of the lines of a range of customers.
-- gives   the changes of customers after one and up to another
-- locks   none
SELECT e.customer_id, e.line_id, e.version, e.idempotency_key
FROM lending.line_event AS e
WHERE e.customer_id > :after AND e.customer_id <= :through
ORDER BY e.customer_id, e.line_id, e.version;

-- name: last_accrual
-- The latest day whose accrual was booked, when, and by which snapshot.
-- gives   one row, none before the first close
-- locks   none
SELECT s.business_date, s.finished_at, s.detail
FROM lending.close_step AS s
WHERE s.step = 'accrual' AND s.finished_at IS NOT NULL
ORDER BY s.business_date DESC
LIMIT 1;

-- name: accrual_of_day
-- What the book was kept to have earned by the end of a day.
-- gives   one row a lender, product, currency and bucket
-- locks   none
SELECT a.lender_id, a.product_code, a.currency, a.bucket, a.loans, a.principal_minor,
       a.interest_receivable_e8, a.penalty_receivable_e8, a.fee_receivable_minor
FROM lending.accrual_day AS a
WHERE a.business_date = :business_date
ORDER BY a.lender_id, a.product_code, a.currency, a.bucket;

-- name: line_days_off_loans
-- Days of which the principal kept by lines is another than that kept by loans.
-- gives   at most :page rows, one a day and book
-- locks   none
SELECT l.business_date, l.lender_id, l.product_code, l.currency, l.principal_minor,
       coalesce(a.principal_minor, 0)::bigint AS loans_principal_minor
FROM lending.line_day AS l
LEFT JOIN (
    SELECT k.business_date, k.lender_id, k.product_code, k.currency,
           sum(k.principal_minor)::bigint AS principal_minor
    FROM lending.accrual_day AS k
    GROUP BY k.business_date, k.lender_id, k.product_code, k.currency
) AS a USING (business_date, lender_id, product_code, currency)
WHERE l.principal_minor <> coalesce(a.principal_minor, 0)
ORDER BY l.business_date DESC, l.lender_id, l.product_code, l.currency
LIMIT :page;

-- name: line_days_count
-- How many sums of lines are kept.
-- gives   one row
-- locks   none
SELECT count(*) FROM lending.line_day;

-- name: line_day
-- What was kept of all lines at the close of a day.
-- gives   one row a lender, product and currency
-- locks   none
SELECT k.lender_id, k.product_code, k.currency, k.lines, k.drawable, k.limit_minor,
       k.principal_minor, k.held_minor, k.available_minor
FROM lending.line_day AS k
WHERE k.business_date = :business_date;

-- name: lines_at_rest
-- What those lines come to now on which nothing happened after a day, and how many others there are.
-- gives   one row a lender, product and currency that has lines
-- locks   none
WITH touched AS (
    SELECT e.customer_id, e.line_id FROM lending.line_event AS e WHERE e.book_date > :day
    UNION
    SELECT t.customer_id, t.line_id FROM lending.loan_transaction AS t WHERE t.book_date > :day
    UNION
    SELECT o.customer_id, o.line_id FROM lending.loan AS o
    WHERE o.requested_on > :day OR o.closed_on > :day
)
SELECT l.lender_id, l.product_code, l.currency,
       count(*) FILTER (WHERE r.is_at_rest) AS lines,
       count(*) FILTER (WHERE r.is_at_rest AND l.blocked_by IS NULL) AS drawable,
       coalesce(sum(l.limit_minor) FILTER (WHERE r.is_at_rest), 0)::bigint AS limit_minor,
       coalesce(sum(l.principal_minor) FILTER (WHERE r.is_at_rest), 0)::bigint
           AS principal_minor,
       coalesce(sum(l.held_minor) FILTER (WHERE r.is_at_rest), 0)::bigint AS held_minor,
       coalesce(sum(l.headroom_minor) FILTER (WHERE r.is_at_rest AND l.blocked_by IS NULL),
           0)::bigint AS available_minor,
       count(*) FILTER (WHERE t.line_id IS NOT NULL) AS touched
FROM reporting.line AS l
LEFT JOIN touched AS t ON t.customer_id = l.customer_id AND t.line_id = l.line_id
CROSS JOIN LATERAL (
    SELECT t.line_id IS NULL AND l.status <> 'closed' AS is_at_rest) AS r
GROUP BY l.lender_id, l.product_code, l.currency;

-- name: book_sums
-- What lines and loans come to in each book.
-- gives   one row a lender, product and currency that has lines
-- locks   none
SELECT l.lender_id, l.product_code, l.currency,
       coalesce(sum(o.principal_minor), 0)::bigint AS principal_minor,
       coalesce(sum(o.held_minor), 0)::bigint AS held_minor,
       sum(l.credit_minor)::bigint AS credit_minor,
       sum(l.returning_minor)::bigint AS returning_minor
FROM lending.credit_line AS l
LEFT JOIN (
    SELECT o.customer_id, o.line_id, sum(o.principal_minor) AS principal_minor,
           sum(o.original_minor) FILTER (WHERE o.status = 'pending') AS held_minor
    FROM lending.loan AS o
    GROUP BY o.customer_id, o.line_id) AS o USING (customer_id, line_id)
GROUP BY l.lender_id, l.product_code, l.currency;
