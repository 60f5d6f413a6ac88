-- What the demonstration asks about its log.

-- name: is_published
-- Whether every leaf is numbered and stands under a witnessed head.
-- gives   one value
-- locks   none
SELECT w.leaves = 0
       AND coalesce((SELECT max(idx) + 1 FROM reporting.leaf), 0)
           = coalesce((SELECT max(size) FROM reporting.witnessed), 0) AS is_published
FROM reporting.leaf_waiting AS w;

-- name: head
-- The last witnessed head.
-- gives   at most one row
-- locks   none
SELECT size, root
FROM reporting.witnessed
ORDER BY size DESC
LIMIT 1;

-- name: asked_about
-- Customers about whom the bureau was asked, evenly chosen, oldest first.
-- gives   at most :count rows
-- locks   none
SELECT customer_id
FROM (
    SELECT customer_id, row_number() OVER (ORDER BY customer_id) AS place,
           count(*) OVER () AS everybody
    FROM (SELECT DISTINCT customer_id FROM reporting.inquiry) AS i
) AS o
WHERE (place - 1) % greatest(everybody / :count, 1) = 0
ORDER BY customer_id
LIMIT :count;

-- name: leaves_of
-- The leaves of a customer in their order in the log.
-- gives   one row a leaf
-- locks   none
SELECT leaf_id, leaf_type
FROM reporting.leaf
WHERE customer_id = :customer_id
ORDER BY idx;
