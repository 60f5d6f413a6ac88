-- The vault's tables: wrapped keys, sealed records, keyed digests, looks in clear.

-- name: add_data_keys
-- Wrapped data keys of new records.
-- locks   none but its rows
INSERT INTO privacy.data_key (customer_id, purpose, wrapped_by, wrapped_key, created_at)
SELECT given.customer_id, given.purpose, given.wrapped_by, given.wrapped_key, :created_at
FROM unnest(
    :customer_ids::bigint[], :purposes::text[], :wrapped_by::text[], :wrapped_keys::bytea[]
) AS given (customer_id, purpose, wrapped_by, wrapped_key);

-- name: add_missing_data_keys
-- Wrapped data keys for customers that have none for their purpose; those that have one keep it.
-- gives   the customers whose keys these are now
-- locks   none but its rows; waits for who adds the same, in the order given
INSERT INTO privacy.data_key (customer_id, purpose, wrapped_by, wrapped_key, created_at)
SELECT given.customer_id, :purpose, given.wrapped_by, given.wrapped_key, now()
FROM unnest(:customer_ids::bigint[], :wrapped_by::text[], :wrapped_keys::bytea[])
    AS given (customer_id, wrapped_by, wrapped_key)
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
-- Keeps every data key from being destroyed until this transaction ends; many may hold at once.
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

-- name: add_blind_index
-- Digests by which customers are found; a second owner of an identity number is refused.
-- locks   none but its rows
INSERT INTO privacy.blind_index (kind, digest, customer_id)
SELECT given.kind, given.digest, given.customer_id
FROM unnest(:kinds::text[], :digests::bytea[], :customer_ids::bigint[])
    AS given (kind, digest, customer_id);

-- name: sealed_records
-- The sealed records of some customers for one purpose, with their wrapped keys.
-- gives   at most one row for each customer
-- locks   none
SELECT record.customer_id, record.purpose, record.field_set, record.ciphertext,
       key.wrapped_by, key.wrapped_key
FROM privacy.sealed_record AS record
JOIN privacy.data_key AS key
  ON key.customer_id = record.customer_id AND key.purpose = record.purpose
WHERE record.customer_id = ANY (:customer_ids::bigint[])
  AND record.purpose = :purpose
ORDER BY record.customer_id;

-- name: customers_by_digest
-- The customers that have a number, by its digest.
-- gives   at most :page rows
-- locks   none
SELECT customer_id
FROM privacy.blind_index
WHERE kind = :kind AND digest = :digest
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

-- name: add_reveal
-- A look at personal data in clear, recorded before it is given.
-- locks   none but its row
INSERT INTO privacy.reveal (
    customer_id, reveal_id, purpose, revealed_to, reason, revealed_at
) VALUES (
    :customer_id, :reveal_id, :purpose, :revealed_to, :reason, :revealed_at
);
