-- Links between records of one person.

-- name: hold_records
-- Keeps some records for whoever links them until this transaction ends.
-- gives   one row a customer
-- locks   the customers, in the order of their numbers
SELECT customer_id FROM customers.customer
WHERE customer_id = ANY (:customer_ids::bigint[])
ORDER BY customer_id
FOR NO KEY UPDATE;

-- name: add_link_step
-- One step of a link; a link is made, and ended, at most once.
-- locks   none but its row
INSERT INTO customers.record_link (
    customer_id, step_id, link_id, surviving_id, step, approval_id, done_by, done_at
) VALUES (
    :customer_id, :step_id, :link_id, :surviving_id, :step, :approval_id, :done_by, :done_at
);

-- name: links_of_people
-- The links that stand between some records and any others of the same persons.
-- gives   one row a record that gave way
-- locks   none
WITH head AS (
    SELECT link.surviving_id
    FROM customers.standing_link AS link
    WHERE link.customer_id = ANY (:customer_ids::bigint[])
    UNION
    SELECT unnest(:customer_ids::bigint[])
)
SELECT link.customer_id, link.surviving_id
FROM head
JOIN customers.standing_link AS link ON link.surviving_id = head.surviving_id
ORDER BY link.customer_id;

-- name: link_steps
-- Every step of the links of one record, on whichever side it stands, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, step_id, link_id, surviving_id, step, approval_id, done_by, done_at
FROM customers.record_link
WHERE (customer_id = :customer_id OR surviving_id = :customer_id)
  AND step_id < /*turns*/ :before
ORDER BY step_id DESC /*turns*/
LIMIT :page;
