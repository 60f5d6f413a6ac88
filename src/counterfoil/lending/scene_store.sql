-- Merchants of scenes, stops, and what drawdowns under way take of a scene's limit.

-- name: hold_scene
-- Lets a customer's drawdowns in a scene come one after the other.
-- locks   customer and scene until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended(:scene, :customer_id));

-- name: scene_of_payee
-- The merchant that is paid there at present, and the last stops of the scene and of the merchant.
-- gives   at most one row
-- locks   none
SELECT p.merchant_id,
       coalesce((SELECT s.is_stopped FROM lending.scene_stop AS s
                 WHERE s.scene = p.scene AND s.merchant_id = 0
                 ORDER BY s.stop_id DESC LIMIT 1), false) AS is_scene_stopped,
       coalesce((SELECT s.is_stopped FROM lending.scene_stop AS s
                 WHERE s.scene = p.scene AND s.merchant_id = p.merchant_id
                 ORDER BY s.stop_id DESC LIMIT 1), false) AS is_merchant_stopped
FROM lending.scene_payee AS p
WHERE p.scene = :scene AND p.payee_ref = :payee_ref
  AND p.version_no = (SELECT max(last.version_no) FROM lending.scene_payee AS last
                      WHERE last.merchant_id = p.merchant_id)
ORDER BY p.merchant_id
LIMIT 1;

-- name: owed_in_scene
-- What a customer owes in a scene, or has on its way to a loan of it.
-- gives   one amount
-- locks   none
SELECT (coalesce((SELECT sum(CASE o.status WHEN 'pending' THEN o.original_minor
                                           ELSE o.principal_minor END)
                  FROM lending.loan AS o
                  WHERE o.customer_id = :customer_id AND o.status IN ('pending', 'open')
                    AND o.purpose = ANY (:purposes::text[])), 0)
      + coalesce((SELECT sum(r.amount_minor)
                  FROM lending.scene_reservation AS r
                  WHERE r.customer_id = :customer_id AND r.scene = :scene
                    AND r.reserved_at > :since AND r.idempotency_key <> :key), 0))::bigint;

-- name: reserve
-- What a drawdown takes until its loan stands in the books.
-- locks   its row
INSERT INTO lending.scene_reservation (
    customer_id, idempotency_key, scene, amount_minor, reserved_at
) VALUES (:customer_id, :key, :scene, :amount_minor, :at)
ON CONFLICT ON CONSTRAINT scene_reservation_pkey
DO UPDATE SET amount_minor = excluded.amount_minor, reserved_at = excluded.reserved_at;

-- name: release
-- A drawdown that was answered.
-- locks   its row
DELETE FROM lending.scene_reservation
WHERE customer_id = :customer_id AND idempotency_key = :key;

-- name: add_payee
-- Where a merchant is paid from now on.
-- locks   none but its row
INSERT INTO lending.scene_payee (
    merchant_id, version_no, scene, name, payee_ref, asked_by, approved_by, approval_id,
    registered_at
) VALUES (
    :merchant_id, :version_no, :scene, :name, :payee_ref, :asked_by, :approved_by, :approval_id,
    :registered_at
);

-- name: payees
-- Where every merchant is paid at present.
-- gives   one row for each merchant, at most :page
-- locks   none
SELECT DISTINCT ON (merchant_id)
       merchant_id, version_no, scene, name, payee_ref, asked_by, approved_by, approval_id,
       registered_at
FROM lending.scene_payee
ORDER BY merchant_id, version_no DESC
LIMIT :page;

-- name: books
-- What is owed in scenes as a whole and at each of their merchants, and what of it is late.
-- gives   a row for each scene with loans and for each of its merchants
-- locks   none
WITH scene AS (
    SELECT code, purpose, late_before
    FROM unnest(:scenes::text[], :purposes::text[], :late_before::date[])
        AS s (code, purpose, late_before)
), payee AS (
    -- A payee that went from one merchant to another counts for the last one.
    SELECT DISTINCT ON (scene, payee_ref) scene, payee_ref, merchant_id
    FROM lending.scene_payee
    ORDER BY scene, payee_ref, registered_at DESC, merchant_id DESC
), loan AS (
    SELECT s.code AS scene, p.merchant_id, o.principal_minor,
           CASE WHEN o.oldest_due_date <= s.late_before THEN o.principal_minor ELSE 0 END
               AS late_minor
    FROM lending.loan AS o
    JOIN scene AS s ON s.purpose = o.purpose
    LEFT JOIN payee AS p ON p.scene = s.code AND p.payee_ref = o.payee_ref
    WHERE o.status = 'open' AND o.product_code = ANY (:products::text[])
)
SELECT scene, merchant_id, count(*) AS loans_count, sum(principal_minor)::bigint AS owed_minor,
       sum(late_minor)::bigint AS late_minor
FROM loan
GROUP BY GROUPING SETS ((scene), (scene, merchant_id))
HAVING GROUPING(merchant_id) = 1 OR merchant_id IS NOT NULL;

-- name: last_stops
-- The last word on every scene and merchant.
-- gives   at most one row for each
-- locks   none
SELECT DISTINCT ON (scene, merchant_id)
       stop_id, scene, merchant_id, is_stopped, loans_count, owed_minor, late_minor, by, reason, at
FROM lending.scene_stop
ORDER BY scene, merchant_id, stop_id DESC;

-- name: add_stop
-- A stop, or that it is lifted.
-- locks   none but its row
INSERT INTO lending.scene_stop (
    stop_id, scene, merchant_id, is_stopped, loans_count, owed_minor, late_minor, by, reason, at
) VALUES (
    :stop_id, :scene, :merchant_id, :is_stopped, :loans_count, :owed_minor, :late_minor, :by,
    :reason, :at
);
