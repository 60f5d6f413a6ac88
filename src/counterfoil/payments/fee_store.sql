-- name: payments_without_fee
-- Payments that rails carried out since a day and whose fee is not booked yet.
-- gives   at most :page rows
-- locks   the payments
SELECT p.customer_id, p.payment_id, p.rail, p.lender_id, p.amount_minor, p.currency
FROM payments.payment AS p
WHERE p.rail = ANY (:rails::text[]) AND p.direction = 'out' AND p.status = 'succeeded'
  AND p.value_date >= :since::date
  AND NOT EXISTS (
      SELECT 1 FROM payments.rail_fee AS f
      WHERE f.customer_id = p.customer_id AND f.payment_id = p.payment_id)
ORDER BY p.customer_id, p.payment_id
LIMIT :page
FOR NO KEY UPDATE SKIP LOCKED;

-- name: add_fees
-- What payments cost the house.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.rail_fee (
    customer_id, payment_id, rail, fee_minor, currency, booked_on, booked_at)
SELECT f.customer_id, f.payment_id, f.rail, f.fee_minor, f.currency, :booked_on::date,
       :now::timestamptz
FROM unnest(
    :customer_ids::bigint[], :payment_ids::bigint[], :rails::text[], :fees_minor::bigint[],
    :currencies::text[]
) AS f (customer_id, payment_id, rail, fee_minor, currency);

-- name: fees_by_rail
-- What was booked for each rail since a day, and what its statements of these days ask.
-- gives   a row per rail
-- locks   none
SELECT r.rail, coalesce(b.booked_minor, 0)::bigint AS booked_minor,
       coalesce(s.asked_minor, 0)::bigint AS asked_minor
FROM unnest(:rails::text[]) AS r (rail)
LEFT JOIN (
    SELECT f.rail, sum(f.fee_minor) AS booked_minor FROM payments.rail_fee AS f
    WHERE f.booked_on >= :since::date GROUP BY f.rail) AS b USING (rail)
LEFT JOIN (
    SELECT l.rail, sum(l.amount_minor) AS asked_minor FROM payments.statement_line AS l
    WHERE l.kind = 'fee' AND l.statement_date >= :since::date GROUP BY l.rail) AS s USING (rail)
ORDER BY r.rail;
