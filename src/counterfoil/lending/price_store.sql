-- Prices of lines for new drawdowns.

-- name: hold_line
-- Lets the prices of a line be set one after the other.
-- locks   customer and line until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('line price ' || (:line_id::bigint)::text,
                                              :customer_id));

-- name: prices_of_line
-- Every price that was announced for a line, in their order.
-- gives   a row a price
-- locks   none
SELECT p.customer_id, p.line_id, p.price_no, p.rate_daily_e8, p.effective_on, p.announced_at,
       p.author, p.reason
FROM lending.line_price AS p
WHERE p.customer_id = :customer_id AND p.line_id = :line_id
ORDER BY p.price_no;

-- name: add_price
-- A price that was announced.
-- locks   none but its row
INSERT INTO lending.line_price (
    customer_id, line_id, price_no, rate_daily_e8, effective_on, announced_at, author, reason
) VALUES (
    :customer_id, :line_id, :price_no, :rate_daily_e8, :effective_on, :announced_at, :author,
    :reason
);
