-- name: stage_leaves
-- Commitments of a batch, not yet numbered.
-- gives   nothing
-- locks   nothing
INSERT INTO evidence.leaf_staged (customer_id, leaf_id, leaf_type, salt, commitment)
SELECT r.customer_id, r.leaf_id, r.leaf_type, r.salt, r.commitment
FROM unnest(:rows::evidence.leaf_v1[]) AS r;
