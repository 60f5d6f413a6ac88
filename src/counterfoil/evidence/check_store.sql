-- name: leaves_of_range
-- The staged leaves of a range of customers.
-- gives   the leaves of customers after one and up to another, in the order of their numbers
-- locks   none
SELECT l.customer_id, l.leaf_id, l.leaf_type, l.salt, l.commitment, l.created, l.checkpoint_size,
       l.command_key, l.body
FROM evidence.leaf_staged AS l
WHERE l.customer_id > :after AND l.customer_id <= :through
ORDER BY l.customer_id, l.leaf_id;
