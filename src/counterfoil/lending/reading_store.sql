-- Readings of cost sheets before drawdowns.

-- name: add_reading
-- What was read before a drawdown; a repeated request has its first reading.
-- locks   none but its row
INSERT INTO lending.sheet_reading (
    customer_id, reading_id, line_id, cost_sheet_hash, note_sha256, language, shown_at,
    confirmed_at, idempotency_key
) VALUES (
    :customer_id, :reading_id, :line_id, :cost_sheet_hash, :note_sha256, :language, :shown_at,
    :confirmed_at, :idempotency_key
)
ON CONFLICT ON CONSTRAINT sheet_reading_once DO NOTHING;

-- name: reading_of_sheet
-- The latest reading of one sheet by a customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, reading_id, line_id, cost_sheet_hash, note_sha256, language, shown_at,
       confirmed_at, idempotency_key
FROM lending.sheet_reading
WHERE customer_id = :customer_id AND cost_sheet_hash = :cost_sheet_hash
ORDER BY reading_id DESC
LIMIT 1;
