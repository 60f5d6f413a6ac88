-- What a customer draws within a period: drawdowns that were answered, and those on their way.

-- name: hold_drawing
-- Lets drawdowns of a person be added up one after the other, on whatever line and record they are.
-- locks   the person's drawing until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended(:customer_id::bigint::text, 41));

-- name: drawn_minor
-- What the records of a person have drawn since a date; a payout that failed for good was none.
-- gives   one row for each currency
-- locks   none
SELECT currency, sum(original_minor)::bigint AS amount_minor
FROM lending.loan
WHERE customer_id = ANY (:customer_ids::bigint[]) AND requested_on >= :since
  AND status <> 'cancelled'
GROUP BY currency
ORDER BY currency;

-- name: held_drawdowns
-- What is on its way under other keys since a date; of one key one drawdown comes about.
-- gives   one row for each record and key
-- locks   none
SELECT customer_id, idempotency_key, max(currency) AS currency, max(amount_minor) AS amount_minor
FROM lending.draw_hold
WHERE customer_id = ANY (:customer_ids::bigint[]) AND asked_on >= :since
  AND (customer_id, idempotency_key) <> (:customer_id::bigint, :key::text)
GROUP BY customer_id, idempotency_key
ORDER BY customer_id, idempotency_key;

-- name: add_hold
-- A drawdown on its way.
-- locks   none but its row
INSERT INTO lending.draw_hold (
    customer_id, hold_id, idempotency_key, amount_minor, currency, asked_on
) VALUES (:customer_id, :hold_id, :key, :amount_minor, :currency, :asked_on);

-- name: end_hold
-- A drawdown that was answered, and whatever a crash left of days that count no more.
-- locks   its rows
DELETE FROM lending.draw_hold
WHERE customer_id = :customer_id AND (hold_id = :hold_id OR asked_on < :since);
