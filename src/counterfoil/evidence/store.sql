-- name: stage_leaves
-- Commitments of a batch, not yet numbered.
-- gives   nothing
-- locks   nothing
INSERT INTO evidence.leaf_staged (
    customer_id, leaf_id, leaf_type, subject_id, salt, commitment, created, checkpoint_size,
    command_key, body
)
SELECT r.customer_id, r.leaf_id, r.leaf_type, r.subject_id, r.salt, r.commitment, r.created,
       r.checkpoint_size, r.command_key, r.body
FROM unnest(:rows::evidence.leaf_v2[]) AS r;
