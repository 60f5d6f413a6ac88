-- Holds, ends of purposes, and what was destroyed.

-- name: add_hold
-- A new legal hold.
-- locks   none but its row
INSERT INTO privacy.legal_hold (customer_id, hold_id, reason, ticket, set_by, set_at)
VALUES (:customer_id, :hold_id, :reason, :ticket, :set_by, :now);

-- name: lift_hold
-- Ends a hold.
-- locks   the row
UPDATE privacy.legal_hold
SET lifted_by = :lifted_by, lifted_at = :now
WHERE customer_id = :customer_id AND hold_id = :hold_id AND lifted_at IS NULL;

-- name: holds
-- The holds of a customer, lifted ones too.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, hold_id, reason, ticket, set_by, set_at, lifted_by, lifted_at
FROM privacy.legal_hold
WHERE customer_id = :customer_id
ORDER BY hold_id DESC
LIMIT :page;

-- name: end_purposes
-- Notes since when classes of data are not needed any more; a later day replaces an earlier one
-- where the purpose went on.
-- locks   the rows
INSERT INTO privacy.retention (customer_id, data_class, ended_on, keep_until, state, changed_at)
SELECT given.customer_id, :data_class, given.ended_on, given.keep_until, 'active', :now
FROM unnest(:customer_ids::bigint[], :ended_ons::date[], :keep_untils::date[])
    AS given (customer_id, ended_on, keep_until)
ORDER BY given.customer_id
ON CONFLICT (customer_id, data_class) DO UPDATE
SET ended_on = excluded.ended_on, keep_until = excluded.keep_until, state = 'active',
    changed_at = excluded.changed_at
WHERE retention.ended_on <> excluded.ended_on AND retention.state <> 'erased';

-- name: restrict_ended
-- Restricts what is not needed any more on a day.
-- gives   the rows that changed
-- locks   those rows
UPDATE privacy.retention
SET state = 'restricted', changed_at = :now
WHERE state = 'active' AND ended_on <= :on::date
RETURNING customer_id, data_class;

-- name: erasable
-- What neither purpose nor floor nor hold keeps on a day; its keys may be destroyed.
-- gives   at most :page rows
-- locks   none
SELECT r.customer_id, r.data_class, r.ended_on, r.keep_until, r.state
FROM privacy.retention AS r
WHERE r.state <> 'erased' AND r.ended_on <= :on::date
  AND (r.keep_until IS NULL OR r.keep_until < :on::date)
  AND NOT EXISTS (
      SELECT 1 FROM privacy.legal_hold AS h
      WHERE h.customer_id = r.customer_id AND h.lifted_at IS NULL)
ORDER BY r.keep_until NULLS FIRST, r.customer_id, r.data_class
LIMIT :page;

-- name: retention_of
-- Where the classes of some customers' data stand, as far as an end was noted.
-- gives   at most one row for each customer and class
-- locks   none
SELECT customer_id, data_class, ended_on, keep_until, state
FROM privacy.retention
WHERE customer_id = ANY (:customer_ids::bigint[])
ORDER BY customer_id, data_class;

-- name: lock_retention
-- Where one class of a customer's data stands.
-- gives   at most one row
-- locks   the row
SELECT customer_id, data_class, ended_on, keep_until, state
FROM privacy.retention
WHERE customer_id = :customer_id AND data_class = :data_class
FOR UPDATE;

-- name: hold_destruction
-- Lets nobody be handed a key that is being destroyed.
-- gives   one row
-- locks   the destruction of keys, exclusively
SELECT pg_advisory_xact_lock(:lock::bigint);

-- name: destroy_keys
-- Destroys data keys; what was sealed under them goes with them.
-- gives   a row for each key that there was
-- locks   the rows
DELETE FROM privacy.data_key
WHERE customer_id = ANY (:customer_ids::bigint[]) AND purpose = ANY (:purposes::text[])
RETURNING customer_id;

-- name: forget_digests
-- Takes a customer out of the directory; with the identity number goes the region that it tells.
-- locks   the rows
WITH region AS (
    DELETE FROM privacy.customer_region
    WHERE customer_id = :customer_id AND 'id_number' = ANY (:kinds::text[])
)
DELETE FROM privacy.blind_index WHERE customer_id = :customer_id AND kind = ANY (:kinds::text[]);

-- name: mark_erased
-- A class is gone.
-- locks   the rows
UPDATE privacy.retention
SET state = 'erased', changed_at = :now
WHERE customer_id = ANY (:customer_ids::bigint[]) AND data_class = :data_class;

-- name: add_erasure
-- What was destroyed.
-- locks   none but its row
INSERT INTO privacy.erasure (
    customer_id, erasure_id, data_class, rule, keys_destroyed, gone_by, approval_id, erased_by,
    erased_at, leaf_id
) VALUES (
    :customer_id, :erasure_id, :data_class, :rule, :keys_destroyed, :gone_by, :approval_id,
    :erased_by, :erased_at, :leaf_id
);

-- name: erased_of_purpose
-- Who was erased of some classes of data, with the leaf of the last time, after the customer given.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, max(leaf_id) AS leaf_id
FROM privacy.erasure
WHERE data_class = ANY (:data_classes::text[]) AND customer_id > :after
GROUP BY customer_id
ORDER BY customer_id
LIMIT :page;

-- name: erased_count
-- How many classes of customers' data were erased.
-- gives   one number
-- locks   none
SELECT count(*) FROM privacy.retention WHERE state = 'erased';

-- name: erasures
-- What was destroyed of a customer's data.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, erasure_id, data_class, rule, keys_destroyed, gone_by, approval_id, erased_by,
       erased_at, leaf_id
FROM privacy.erasure
WHERE customer_id = :customer_id
ORDER BY erasure_id DESC
LIMIT :page;
