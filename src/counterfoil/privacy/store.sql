-- The vault's tables: wrapped keys, sealed records, keyed digests, looks in clear.

-- name: add_data_keys
-- Wrapped data keys of new records; none that is wrapped by a key which a rotation replaces.
-- locks   none but its rows
INSERT INTO privacy.data_key (customer_id, purpose, wrapped_by, wrapped_key, created_at)
SELECT given.customer_id, given.purpose, given.wrapped_by, given.wrapped_key, :created_at
FROM unnest(
    :customer_ids::bigint[], :purposes::text[], :wrapped_by::text[], :wrapped_keys::bytea[]
) AS given (customer_id, purpose, wrapped_by, wrapped_key)
WHERE NOT EXISTS (
    SELECT 1 FROM privacy.key_rotation AS r
    WHERE r.kind = 'wrapping' AND r.old_key = given.wrapped_by);

-- name: add_missing_data_keys
-- Wrapped data keys for customers that have none for their purpose; those that have one keep it,
-- and none is added that is wrapped by a key which a rotation replaces.
-- gives   the customers whose keys these are now
-- locks   none but its rows; waits for who adds the same, in the order given
INSERT INTO privacy.data_key (customer_id, purpose, wrapped_by, wrapped_key, created_at)
SELECT given.customer_id, :purpose, given.wrapped_by, given.wrapped_key, now()
FROM unnest(:customer_ids::bigint[], :wrapped_by::text[], :wrapped_keys::bytea[])
    AS given (customer_id, wrapped_by, wrapped_key)
WHERE NOT EXISTS (
    SELECT 1 FROM privacy.key_rotation AS r
    WHERE r.kind = 'wrapping' AND r.old_key = given.wrapped_by)
ORDER BY given.customer_id
ON CONFLICT (customer_id, purpose) DO NOTHING
RETURNING customer_id;

-- name: data_keys
-- The wrapped data keys of some customers for one purpose.
-- gives   at most one row for each customer
-- locks   none
SELECT key.customer_id, key.wrapped_by, key.wrapped_key
FROM privacy.data_key AS key
WHERE key.customer_id = ANY (:customer_ids::bigint[]) AND key.purpose = :purpose
ORDER BY key.customer_id;

-- name: hold_data_keys
-- Keeps every data key from being destroyed, and the wrapping key from being replaced, until this
-- transaction ends; many may hold at once.
-- gives   one row
-- locks   the destruction of keys, shared
SELECT pg_advisory_xact_lock_shared(:lock::bigint);

-- name: add_sealed_records
-- New sealed records; their data keys are there already.
-- locks   the data keys, shared
INSERT INTO privacy.sealed_record (customer_id, purpose, field_set, ciphertext, sealed_at)
SELECT given.customer_id, given.purpose, given.field_set, given.ciphertext, :sealed_at
FROM unnest(
    :customer_ids::bigint[], :purposes::text[], :field_sets::text[], :ciphertexts::bytea[]
) AS given (customer_id, purpose, field_set, ciphertext);

-- name: add_regions
-- Of which region customers are; what is no region is left out.
-- locks   none but its rows
INSERT INTO privacy.customer_region (customer_id, region)
SELECT given.customer_id, given.region
FROM unnest(:customer_ids::bigint[], :regions::text[]) AS given (customer_id, region)
WHERE given.region ~ '^[1-9][0-9]$'
ON CONFLICT (customer_id) DO UPDATE SET region = excluded.region;

-- name: without_region
-- Customers whose identity is kept and whose region nobody wrote down yet, in order.
-- gives   at most :page rows, after the customer given
-- locks   none
SELECT s.customer_id
FROM privacy.sealed_record AS s
WHERE s.purpose = :purpose AND s.customer_id > :after
  AND NOT EXISTS (
      SELECT 1 FROM privacy.customer_region AS r WHERE r.customer_id = s.customer_id)
ORDER BY s.customer_id
LIMIT :page;

-- name: add_blind_index
-- Digests by which customers are found; a second owner of an identity number is refused.
-- locks   none but its rows
INSERT INTO privacy.blind_index (kind, digest, customer_id, generation)
SELECT given.kind, given.digest, given.customer_id, given.generation
FROM unnest(:kinds::text[], :digests::bytea[], :customer_ids::bigint[], :generations::smallint[])
    AS given (kind, digest, customer_id, generation);

-- name: hold_index_generations
-- Keeps the generations of the index as they are until this transaction ends.
-- gives   one row
-- locks   the change of generations, shared
SELECT pg_advisory_xact_lock_shared(:lock::bigint);

-- name: index_generations
-- The generations that every new number must have a digest of.
-- gives   one row, or two while the secret is changed
-- locks   none
SELECT generation FROM privacy.index_generation ORDER BY generation;

-- name: sealed_records
-- The sealed records of some customers for some purposes, with their wrapped keys.
-- gives   at most one row for each customer and purpose
-- locks   none
SELECT record.customer_id, record.purpose, record.field_set, record.ciphertext,
       key.wrapped_by, key.wrapped_key
FROM privacy.sealed_record AS record
JOIN privacy.data_key AS key
  ON key.customer_id = record.customer_id AND key.purpose = record.purpose
WHERE record.customer_id = ANY (:customer_ids::bigint[])
  AND record.purpose = ANY (:purposes::text[])
ORDER BY record.customer_id, record.purpose;

-- name: customers_by_digest
-- The customers that have a number, by its digests of every generation.
-- gives   at most :page rows
-- locks   none
SELECT DISTINCT customer_id
FROM privacy.blind_index
WHERE kind = :kind AND digest = ANY (:digests::bytea[])
ORDER BY customer_id
LIMIT :page;

-- name: taken_digests
-- Which of some digests already belong to somebody.
-- gives   at most one row for each digest
-- locks   none
SELECT DISTINCT digest
FROM privacy.blind_index
WHERE kind = :kind AND digest = ANY (:digests::bytea[])
ORDER BY digest;

-- name: add_reveals
-- Looks at personal data in clear, recorded before it is given.
-- locks   none but their rows
INSERT INTO privacy.reveal (
    customer_id, reveal_id, purpose, revealed_to, reason, revealed_at, grant_id
)
SELECT given.customer_id, given.reveal_id, given.purpose, :revealed_to, :reason, :revealed_at,
       given.grant_id
FROM unnest(:customer_ids::bigint[], :reveal_ids::bigint[], :purposes::text[], :grant_ids::bigint[])
    AS given (customer_id, reveal_id, purpose, grant_id);
