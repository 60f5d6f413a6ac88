-- name: dates_of_repayments
-- The earliest value date of the customers' repayments; a repayment's number is lower than those of
-- its transactions, so that only what was booked since is looked through.
-- gives   one row a repayment that was booked
-- locks   none
SELECT k.customer_id, k.repayment_id, min(t.value_date) AS value_date
FROM unnest(:customer_ids::bigint[], :repayment_ids::bigint[]) AS k (customer_id, repayment_id)
CROSS JOIN LATERAL (
    SELECT c.value_date FROM lending.loan_transaction AS c
    WHERE c.customer_id = k.customer_id AND c.transaction_id > k.repayment_id
      AND c.repayment_id = k.repayment_id
    OFFSET 0) AS t
GROUP BY k.customer_id, k.repayment_id;

-- name: checkpoints_before
-- The newest checkpoint of each loan before a date, of those that hold: nothing was booked since
-- that is valued on or before theirs, but for what came of a fold.
-- gives   at most one row a loan
-- locks   none
SELECT p.customer_id, p.loan_id, p.value_date, p.booked_through, p.rows_from, p.state
FROM unnest(:places::lending.loan_place_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.fold_checkpoint AS c
    WHERE c.customer_id = k.customer_id AND c.loan_id = k.loan_id AND c.form = :form
      AND c.value_date < k.value_date
      AND NOT EXISTS (
          SELECT FROM lending.loan_transaction AS t
          WHERE t.customer_id = c.customer_id AND t.loan_id = c.loan_id
            AND t.sequence > c.booked_through AND t.kind <> 'reallocation'
            AND (t.value_date <= c.value_date OR t.kind = 'payout_returned'))
    ORDER BY c.value_date DESC, c.booked_through DESC
    LIMIT 1) AS p;

-- name: transactions_after
-- The history of loans after a place in it.
-- gives   the rows in the order in which they were booked
-- locks   none
SELECT t.customer_id, t.transaction_id, t.loan_id, t.sequence, t.kind, t.value_date, t.book_date,
       t.posted_at, t.amount_minor, t.principal_minor, t.interest_minor, t.penalty_minor,
       t.excess_minor, t.mode, t.repayment_id, t.relates_to, t.channel, t.reason, t.fee_minor,
       t.guarantee_minor, t.plan
FROM unnest(:places::lending.loan_place_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.loan_transaction AS c
    WHERE c.customer_id = k.customer_id AND c.loan_id = k.loan_id
      AND c.sequence >= k.sequence AND c.value_date > k.value_date
    OFFSET 0) AS t
ORDER BY t.customer_id, t.loan_id, t.sequence;

-- name: instalment_numbers_after
-- Which instalments of these loans are stored that fell due after a date.
-- gives   the keys
-- locks   none
SELECT i.customer_id, i.loan_id, i.instalment_no
FROM unnest(:places::lending.loan_place_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.instalment AS c
    WHERE c.customer_id = k.customer_id AND c.loan_id = k.loan_id
      AND c.due_date > k.value_date
    OFFSET 0) AS i
ORDER BY i.customer_id, i.loan_id, i.instalment_no;

-- name: drop_checkpoints
-- Checkpoints after the one from which a loan was folded again.
-- gives   nothing
-- locks   the checkpoints
DELETE FROM lending.fold_checkpoint AS c
USING unnest(:places::lending.loan_place_v1[]) AS k
WHERE c.customer_id = k.customer_id AND c.loan_id = k.loan_id AND c.value_date > k.value_date;

-- name: add_checkpoints
-- States that folds passed through; one that is there already stays.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.fold_checkpoint (
    customer_id, loan_id, value_date, booked_through, rows_from, form, state)
SELECT r.customer_id, r.loan_id, r.value_date, r.booked_through, r.rows_from, r.form, r.state
FROM unnest(:rows::lending.fold_checkpoint_v1[]) AS r
ON CONFLICT DO NOTHING;

-- name: checkpoints_of_range
-- The checkpoints of a range of customers.
-- gives   those of customers after one and up to another
-- locks   none
SELECT c.customer_id, c.loan_id, c.value_date, c.booked_through, c.rows_from, c.state
FROM lending.fold_checkpoint AS c
WHERE c.customer_id > :after AND c.customer_id <= :through AND c.form = :form
ORDER BY c.customer_id, c.loan_id, c.booked_through, c.value_date;
