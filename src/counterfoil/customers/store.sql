-- Customers: rows without anything personal.

-- name: add_customers
-- New customers, one row for each position of the arrays.
-- locks   none but its rows
INSERT INTO customers.customer (customer_id, status, language, created_at)
SELECT given.customer_id, given.status, given.language, :created_at
FROM unnest(:customer_ids::bigint[], :statuses::text[], :languages::text[])
    AS given (customer_id, status, language);

-- name: customer
-- One customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, status, language, created_at
FROM customers.customer
WHERE customer_id = :customer_id;

-- name: inactive_customers
-- Of some customers those who are not active.
-- gives   a row for each
-- locks   none
SELECT customer_id
FROM customers.customer
WHERE customer_id = ANY(:customer_ids::bigint[]) AND status <> 'active';

-- name: customers_page
-- Customers from the newest back.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, status, language, created_at
FROM customers.customer
WHERE customer_id < /*turns*/ :before
ORDER BY customer_id DESC /*turns*/
LIMIT :page;
