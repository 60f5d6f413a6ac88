-- What behaviour on lines follows from: instalments, repaid loans, raised limits.

-- name: instalments_of_lines
-- Instalments that fell due on the loans of lines.
-- gives   the rows of the lines
-- locks   none
SELECT o.customer_id, o.line_id, i.due_date, i.settled_on, o.grace_days
FROM unnest(:keys::lending.line_key_v1[]) AS k
JOIN lending.loan AS o ON o.customer_id = k.customer_id AND o.line_id = k.line_id
JOIN lending.instalment AS i ON i.customer_id = o.customer_id AND i.loan_id = o.loan_id
ORDER BY o.customer_id, o.loan_id, i.instalment_no;

-- name: loans_repaid_of_lines
-- How many loans of lines were repaid in full.
-- gives   one row a line that has any
-- locks   none
SELECT o.customer_id, o.line_id, count(*) AS loans
FROM unnest(:keys::lending.line_key_v1[]) AS k
JOIN lending.loan AS o ON o.customer_id = k.customer_id AND o.line_id = k.line_id
WHERE o.status = 'closed'
GROUP BY o.customer_id, o.line_id;

-- name: raises_of_lines
-- When limits of lines were raised, after a date.
-- gives   the rows of the lines, oldest first
-- locks   none
SELECT e.customer_id, e.line_id, e.book_date
FROM unnest(:keys::lending.line_key_v1[]) AS k
JOIN lending.line_event AS e ON e.customer_id = k.customer_id AND e.line_id = k.line_id
WHERE e.kind = 'limit_raised' AND e.book_date > :since
ORDER BY e.customer_id, e.line_id, e.version;

-- name: lines_of_customers
-- Every line of some customers.
-- gives   the keys
-- locks   none
SELECT customer_id, line_id
FROM lending.credit_line
WHERE customer_id = ANY (:customer_ids::bigint[])
ORDER BY customer_id, line_id;
