-- What was, and what is put in its place; and whose processing is restricted.

-- name: lock_record
-- One sealed record with its wrapped key, to put another in its place.
-- gives   at most one row
-- locks   the record
SELECT record.customer_id, record.purpose, record.field_set, record.ciphertext, record.sealed_at,
       key.wrapped_by, key.wrapped_key
FROM privacy.sealed_record AS record
JOIN privacy.data_key AS key
  ON key.customer_id = record.customer_id AND key.purpose = record.purpose
WHERE record.customer_id = :customer_id AND record.purpose = :purpose
FOR UPDATE OF record;

-- name: keep_former
-- Keeps the record that is about to be replaced, with the time for which it stood.
-- locks   none but its row
INSERT INTO privacy.former_record (
    customer_id, purpose, record_no, field_set, ciphertext, valid_from, valid_until, request_id
)
SELECT r.customer_id, r.purpose, 1 + (
           SELECT count(*) FROM privacy.former_record AS f
           WHERE f.customer_id = r.customer_id AND f.purpose = r.purpose
       ), r.field_set, r.ciphertext, r.sealed_at, greatest(:at, r.sealed_at), :request_id
FROM privacy.sealed_record AS r
WHERE r.customer_id = :customer_id AND r.purpose = :purpose;

-- name: replace_record
-- Puts a record in the place of the one that was kept.
-- locks   the row
UPDATE privacy.sealed_record
SET field_set = :field_set, ciphertext = :ciphertext, sealed_at = :at
WHERE customer_id = :customer_id AND purpose = :purpose;

-- name: former_records
-- What a customer's records of one purpose were, the last one first.
-- gives   one row for each that was replaced
-- locks   none
SELECT f.customer_id, f.purpose, f.field_set, f.ciphertext, key.wrapped_by, key.wrapped_key,
       f.valid_from, f.valid_until
FROM privacy.former_record AS f
JOIN privacy.data_key AS key
  ON key.customer_id = f.customer_id AND key.purpose = f.purpose
WHERE f.customer_id = :customer_id AND f.purpose = :purpose
ORDER BY f.record_no DESC;

-- name: forget_kind
-- Takes the digests of one kind away, to be made anew.
-- locks   the rows
DELETE FROM privacy.blind_index WHERE customer_id = :customer_id AND kind = :kind;

-- name: add_restriction
-- Processing is restricted, or is so no longer.
-- locks   none but its row
INSERT INTO privacy.restriction (
    customer_id, restriction_id, is_on, request_id, set_by, reason, set_at
) VALUES (
    :customer_id, :restriction_id, :is_on, :request_id, :set_by, :reason, :at
);

-- name: restricted_among
-- Those of some customers whose processing is restricted.
-- gives   one row for each
-- locks   none
SELECT customer_id FROM reporting.restricted_customer
WHERE customer_id = ANY (:customer_ids::bigint[]);

-- name: keys_left
-- Keys that are still there of classes that were erased: there must be none.
-- gives   at most :page rows
-- locks   none
SELECT k.customer_id, k.purpose, r.data_class
FROM privacy.retention AS r
JOIN unnest(:classes::text[], :purposes::text[]) AS declared (data_class, purpose)
  ON declared.data_class = r.data_class
JOIN privacy.data_key AS k
  ON k.customer_id = r.customer_id AND k.purpose = declared.purpose
WHERE r.state = 'erased' AND k.created_at <= r.changed_at
ORDER BY k.customer_id, k.purpose
LIMIT :page;
