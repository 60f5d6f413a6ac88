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

-- name: staged_by_key
-- Leaves of many customers that wait for their number, with salt and body.
-- gives   one row a leaf of those that are asked for
-- locks   none
SELECT s.customer_id, s.leaf_id, s.leaf_type, s.salt, s.commitment, s.body
FROM evidence.leaf_staged AS s
JOIN unnest(:customer_ids::bigint[], :leaf_ids::bigint[]) AS wanted (customer_id, leaf_id)
  ON wanted.customer_id = s.customer_id AND wanted.leaf_id = s.leaf_id
ORDER BY s.seq;
