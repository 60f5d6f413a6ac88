-- The change of wrapping keys and of the secret of the blind index, row by row while readers read.

-- name: add_rotation
-- A rotation begins; a second one of its kind breaks `key_rotation_one_at_a_time`.
-- locks   none but its row
INSERT INTO privacy.key_rotation (
    rotation_id, kind, old_key, new_key, approval_id, started_by, started_at
) VALUES (
    :rotation_id, :kind, :old_key, :new_key, :approval_id, :started_by, :started_at
);

-- name: open_rotation
-- The rotation of a kind that is under way.
-- gives   at most one row
-- locks   none
SELECT rotation_id, kind, old_key, new_key, approval_id, started_by, started_at, rows_moved,
       finished_at
FROM privacy.key_rotation
WHERE kind = :kind AND finished_at IS NULL;

-- name: rotations
-- Rotations, newest first.
-- gives   at most :page rows
-- locks   none
SELECT rotation_id, kind, old_key, new_key, approval_id, started_by, started_at, rows_moved,
       finished_at
FROM privacy.key_rotation
ORDER BY rotation_id DESC
LIMIT :page;

-- name: note_moved
-- Adds to the count of rows that were moved.
-- locks   the row
UPDATE privacy.key_rotation SET rows_moved = rows_moved + :rows WHERE rotation_id = :rotation_id;

-- name: finish_rotation
-- A rotation has ended.
-- locks   the row
UPDATE privacy.key_rotation SET finished_at = :now
WHERE rotation_id = :rotation_id AND finished_at IS NULL;

-- name: keys_after
-- Wrapped data keys that another key than the present one wrapped.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT customer_id, purpose, wrapped_by, wrapped_key
FROM privacy.data_key
WHERE wrapped_by <> :wrapped_by
  AND (customer_id, purpose) > (:customer_id::bigint, :purpose::text)
ORDER BY customer_id, purpose
LIMIT :page;

-- name: replace_wrapped
-- The same data keys, wrapped anew, where nobody else has changed or destroyed the row meanwhile.
-- gives   the rows that changed
-- locks   those rows
UPDATE privacy.data_key AS key
SET wrapped_by = given.wrapped_by, wrapped_key = given.new_wrapped
FROM unnest(
    :customer_ids::bigint[], :purposes::text[], :old_wrapped::bytea[], :wrapped_by::text[],
    :new_wrapped::bytea[]
) AS given (customer_id, purpose, old_wrapped, wrapped_by, new_wrapped)
WHERE key.customer_id = given.customer_id AND key.purpose = given.purpose
  AND key.wrapped_key = given.old_wrapped
RETURNING key.customer_id;

-- name: is_still_wrapped_by_others
-- Whether any data key is wrapped by another key than the present one.
-- gives   one row
-- locks   none
SELECT EXISTS (SELECT 1 FROM privacy.data_key WHERE wrapped_by <> :wrapped_by) AS found;

-- name: hold_alone
-- Waits for whoever writes keys or numbers, and lets nobody do so until this transaction ends.
-- gives   one row
-- locks   what the number given stands for, exclusively
SELECT pg_advisory_xact_lock(:lock::bigint);

-- name: add_generation
-- From now on every new number has a digest of this generation too.
-- locks   none but its row
INSERT INTO privacy.index_generation (generation, since) VALUES (:generation, :now)
ON CONFLICT (generation) DO NOTHING;

-- name: end_generation
-- From now on new numbers have no digest of this generation.
-- locks   the row
DELETE FROM privacy.index_generation WHERE generation = :generation;

-- name: without_generation
-- Customers whose numbers have no digest of a generation yet.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT DISTINCT entry.customer_id
FROM privacy.blind_index AS entry
WHERE entry.customer_id > :customer_id
  AND NOT EXISTS (
      SELECT 1 FROM privacy.blind_index AS other
      WHERE other.customer_id = entry.customer_id AND other.kind = entry.kind
        AND other.generation = :generation)
ORDER BY entry.customer_id
LIMIT :page;

-- name: fill_generation
-- Digests of another generation, for numbers that are in the index still.
-- locks   none but its rows
INSERT INTO privacy.blind_index (kind, digest, customer_id, generation)
SELECT given.kind, given.digest, given.customer_id, :generation
FROM unnest(:kinds::text[], :digests::bytea[], :customer_ids::bigint[])
    AS given (kind, digest, customer_id)
WHERE EXISTS (
    SELECT 1 FROM privacy.blind_index AS entry
    WHERE entry.customer_id = given.customer_id AND entry.kind = given.kind)
ON CONFLICT (kind, digest, customer_id) DO NOTHING;

-- name: drop_generation
-- Takes digests of a generation out, some customers at a time.
-- gives   the customers whose digests went
-- locks   the rows
DELETE FROM privacy.blind_index AS entry
USING (
    SELECT DISTINCT customer_id FROM privacy.blind_index
    WHERE generation = :generation AND customer_id > :customer_id
    ORDER BY customer_id LIMIT :page
) AS picked
WHERE entry.customer_id = picked.customer_id AND entry.generation = :generation
RETURNING entry.customer_id;
