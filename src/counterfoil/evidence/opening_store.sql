-- name: leaves_by_key
-- Numbered leaves of many customers with what opens them.
-- gives   one row a leaf of those that are asked for
-- locks   none
SELECT l.idx, l.customer_id, l.leaf_id, l.leaf_type, l.subject_id, l.commitment, l.created,
       l.checkpoint_size, l.command_key, l.sealed
FROM evidence.leaf AS l
JOIN unnest(:customer_ids::bigint[], :leaf_ids::bigint[]) AS wanted (customer_id, leaf_id)
  ON wanted.customer_id = l.customer_id AND wanted.leaf_id = l.leaf_id
ORDER BY l.idx;

-- name: leaves_of_types
-- Leaves of some types from one number up to another, with what they are about.
-- gives   one row a leaf, in order
-- locks   none
SELECT idx, customer_id, leaf_id, subject_id
FROM evidence.leaf
WHERE idx >= :start AND idx < :stop AND leaf_type = ANY (:kinds::smallint[])
ORDER BY idx;

-- name: staged_by_key
-- Leaves of many customers that wait for their number, with salt and body.
-- gives   one row a leaf of those that are asked for
-- locks   none
SELECT s.customer_id, s.leaf_id, s.leaf_type, s.salt, s.commitment, s.body
FROM evidence.leaf_staged AS s
JOIN unnest(:customer_ids::bigint[], :leaf_ids::bigint[]) AS wanted (customer_id, leaf_id)
  ON wanted.customer_id = s.customer_id AND wanted.leaf_id = s.leaf_id
ORDER BY s.seq;

-- name: allow_forgetting
-- Lets this transaction, and no other, forget what opens leaves.
-- gives   one row
-- locks   none
SELECT set_config('counterfoil.erasing', 'on', true);

-- name: forget_openings
-- Destroys what opens the numbered leaves of a customer; numbers and commitments stay.
-- gives   nothing
-- locks   the rows
UPDATE evidence.leaf SET sealed = NULL
WHERE customer_id = :customer_id AND sealed IS NOT NULL;

-- name: forget_staged
-- Destroys what would open the leaves of a customer that wait for their number.
-- gives   nothing
-- locks   the rows
UPDATE evidence.leaf_staged SET salt = NULL, body = NULL WHERE customer_id = :customer_id;

-- name: openings_left
-- Leaves of customers that could still be opened, from an hour before the leaf of their erasure.
-- gives   one row a customer with any
-- locks   none
SELECT l.customer_id, count(*) AS leaves
FROM unnest(:customer_ids::bigint[], :leaf_ids::bigint[]) AS erased (customer_id, leaf_id)
JOIN evidence.leaf AS e ON e.customer_id = erased.customer_id AND e.leaf_id = erased.leaf_id
JOIN evidence.leaf AS l
  ON l.customer_id = erased.customer_id AND l.idx < e.idx AND l.created < e.created - 3600
 AND l.sealed IS NOT NULL
GROUP BY l.customer_id
ORDER BY l.customer_id;
