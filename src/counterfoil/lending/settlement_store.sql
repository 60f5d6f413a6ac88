-- Quotes of what settles loans.

-- name: add_quote
-- A quote as it was given.
-- gives   nothing
-- locks   none but its row
INSERT INTO lending.settlement_quote (
    customer_id, quote_id, line_id, settle_on, currency, amount_minor, loans, valid_until, made_on,
    made_at, author)
VALUES (
    :customer_id, :quote_id, :line_id, :settle_on, :currency, :amount_minor, :loans, :valid_until,
    :made_on, :made_at, :author);

-- name: quotes
-- Quotes of a customer, of one line where it is named, or one quote, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT q.customer_id, q.quote_id, q.line_id, q.settle_on, q.currency, q.amount_minor, q.loans,
       q.valid_until, q.made_on, q.made_at, q.author
FROM lending.settlement_quote AS q
WHERE q.customer_id = :customer_id AND q.quote_id < /*turns*/ :before
  AND (:line_id::bigint IS NULL OR q.line_id = :line_id)
  AND (:quote_id::bigint IS NULL OR q.quote_id = :quote_id)
ORDER BY q.quote_id DESC /*turns*/
LIMIT :page;
