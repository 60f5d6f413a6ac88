-- name: has_statement
-- Whether the statement of a rail for a day was taken.
-- gives   one value
-- locks   none
SELECT EXISTS (
    SELECT 1 FROM payments.statement
    WHERE rail = :rail::text AND statement_date = :day::date) AS has_statement;

-- name: last_reconciled
-- The latest day of a rail that was reconciled.
-- gives   one value, NULL where none was
-- locks   none
SELECT max(business_date) FROM payments.reconciliation WHERE rail = :rail::text;

-- name: payments_of_other_rails
-- Which of some payments, and of some debits, went over another rail.
-- gives   their numbers
-- locks   none
SELECT p.payment_id FROM payments.payment AS p
WHERE p.payment_id = ANY (:payment_ids::bigint[]) AND p.rail <> :rail::text
UNION ALL
SELECT d.debit_id FROM payments.debit AS d
WHERE d.debit_id = ANY (:payment_ids::bigint[]) AND d.rail <> :rail::text;

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

-- name: orders_of_day
-- Payouts that concern a day: confirmed for it, or sent on it and not confirmed, or on its
-- statement; and others that are asked for by number.
-- gives   all of them, in the order of their keys
-- locks   none
WITH wanted AS (
    SELECT p.customer_id, p.payment_id
    FROM payments.payment AS p
    WHERE p.rail = :rail::text AND p.value_date = :day::date
    UNION
    SELECT p.customer_id, p.payment_id
    FROM payments.payment AS p
    WHERE p.rail = :rail::text AND p.sent_on = :day::date AND p.value_date IS NULL
    UNION
    SELECT p.customer_id, p.payment_id
    FROM payments.statement_line AS l
    JOIN payments.payment AS p ON p.payment_id = l.payment_id AND p.rail = l.rail
    WHERE l.rail = :rail::text AND l.statement_date = :day::date
    UNION
    SELECT p.customer_id, p.payment_id
    FROM payments.payment AS p
    WHERE p.rail = :rail::text AND p.payment_id = ANY (:payment_ids::bigint[])
)
SELECT p.customer_id, p.payment_id, p.amount_minor, p.currency, p.status,
       (SELECT coalesce(sum(s.returned_minor), 0)::bigint FROM payments.suspense AS s
        WHERE s.customer_id = p.customer_id AND s.payment_id = p.payment_id
          AND s.carried_out_at IS NOT NULL) AS returned_minor,
       (SELECT coalesce(sum(f.fee_minor), 0)::bigint FROM payments.rail_fee AS f
        WHERE f.customer_id = p.customer_id AND f.payment_id = p.payment_id) AS fee_minor
FROM wanted
JOIN payments.payment AS p USING (customer_id, payment_id)
WHERE p.direction = 'out'
ORDER BY p.customer_id, p.payment_id;

-- name: lines_of_day
-- Lines of money that went out and concern a day: its statement, and earlier lines of the same
-- payments and of other references that are asked for.
-- gives   all of them, in the order of the files
-- locks   none
SELECT l.reference, l.kind, l.amount_minor, l.currency, l.value_date, l.rail_reference
FROM payments.statement_line AS l
WHERE l.rail = :rail::text
  AND l.statement_date <= :day::date
  AND l.kind NOT IN ('received', 'recalled')
  AND (l.statement_date = :day::date
       OR l.payment_id = ANY (:payment_ids::bigint[])
       OR l.reference = ANY (:references::text[])
       OR l.payment_id IN (
           SELECT t.payment_id FROM payments.statement_line AS t
           WHERE t.rail = :rail::text AND t.statement_date = :day::date))
ORDER BY l.statement_date, l.line_no;

-- name: record_differences
-- Differences as seen on a day; the first day they were seen stays.
-- gives   nothing
-- locks   the differences
INSERT INTO payments.difference (
    customer_id, reference, cause, first_seen_on, last_seen_on, order_minor, statement_minor,
    ledger_minor, rail)
SELECT d.customer_id, d.reference, d.cause, :day::date, :day::date, d.order_minor,
       d.statement_minor, d.ledger_minor, :rail::text
FROM unnest(
    :customer_ids::bigint[], :references::text[], :causes::text[], :orders_minor::bigint[],
    :statements_minor::bigint[], :ledgers_minor::bigint[]
) AS d (customer_id, reference, cause, order_minor, statement_minor, ledger_minor)
ON CONFLICT (customer_id, reference, cause) DO UPDATE
SET last_seen_on = greatest(difference.last_seen_on, excluded.last_seen_on),
    order_minor = excluded.order_minor,
    statement_minor = excluded.statement_minor,
    ledger_minor = excluded.ledger_minor,
    rail = excluded.rail,
    cleared_on = NULL;

-- name: clear_differences
-- Open differences of payments that were compared again and agree now.
-- gives   how many
-- locks   the differences
UPDATE payments.difference AS d
SET cleared_on = greatest(:day::date, d.last_seen_on)
WHERE d.cleared_on IS NULL
  AND d.reference = ANY (:compared::text[])
  AND (d.customer_id, d.reference, d.cause) NOT IN (
      SELECT f.customer_id, f.reference, f.cause
      FROM unnest(:customer_ids::bigint[], :references::text[], :causes::text[])
          AS f (customer_id, reference, cause));

-- name: open_differences
-- Differences not cleared, oldest first.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT customer_id, reference, cause, first_seen_on, last_seen_on, order_minor, statement_minor,
       ledger_minor, rail
FROM payments.difference
WHERE cleared_on IS NULL
  AND (first_seen_on, customer_id, reference, cause)
      > (:first_seen_on::date, :customer_id::bigint, :reference::text, :cause::text)
ORDER BY first_seen_on, customer_id, reference, cause
LIMIT :page;
