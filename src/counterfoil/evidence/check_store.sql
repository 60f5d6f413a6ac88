-- name: leaves_of_range
-- The leaves of a range of customers, numbered and staged.
-- gives   the leaves of customers after one and up to another, in the order of their identifiers
-- locks   none
SELECT l.customer_id, l.leaf_id, l.leaf_type, l.commitment, l.created, l.checkpoint_size,
       l.command_key, NULL::bytea AS salt, NULL::bytea AS body, l.sealed
FROM evidence.leaf AS l
WHERE l.customer_id > :after AND l.customer_id <= :through
UNION ALL
SELECT s.customer_id, s.leaf_id, s.leaf_type, s.commitment, s.created, s.checkpoint_size,
       s.command_key, s.salt, s.body, NULL::bytea
FROM evidence.leaf_staged AS s
WHERE s.customer_id > :after AND s.customer_id <= :through
ORDER BY customer_id, leaf_id;
