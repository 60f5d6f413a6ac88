-- name: has_statement
-- Whether the statement of a rail for a day was taken.
-- gives   one value
-- locks   none
SELECT EXISTS (
    SELECT 1 FROM payments.statement
    WHERE rail = :rail::text AND statement_date = :day::date) AS has_statement;

-- name: payments_of_other_rails
-- Which of some payments went out over another rail.
-- gives   their numbers
-- locks   none
SELECT p.payment_id FROM payments.payment AS p
WHERE p.payment_id = ANY (:payment_ids::bigint[]) AND p.rail <> :rail::text;

-- name: put_reconciliation
-- That a day was reconciled; the last time counts.
-- gives   nothing
-- locks   the day of the rail
INSERT INTO payments.reconciliation (
    rail, business_date, reconciled_at, orders_count, lines_count, bookings_count, matched_count,
    matched_minor, differences_count)
VALUES (
    :rail, :business_date, :reconciled_at, :orders_count, :lines_count, :bookings_count,
    :matched_count, :matched_minor, :differences_count)
ON CONFLICT (rail, business_date) DO UPDATE
SET reconciled_at = excluded.reconciled_at, orders_count = excluded.orders_count,
    lines_count = excluded.lines_count, bookings_count = excluded.bookings_count,
    matched_count = excluded.matched_count, matched_minor = excluded.matched_minor,
    differences_count = excluded.differences_count;
