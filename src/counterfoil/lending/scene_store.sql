-- Merchants of scenes, stops, and what a customer owes in a scene.

-- name: hold_scene
-- Lets a customer's drawdowns in a scene come one after the other.
-- locks   customer and scene until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended(:scene, :customer_id));

-- name: place_of_merchant
-- Where a merchant is paid at present, and the last stops of its scene and of itself.
-- gives   at most one row
-- locks   none
SELECT p.payee_ref, p.version_no,
       coalesce((SELECT s.is_stopped FROM lending.scene_stop AS s
                 WHERE s.scene = p.scene AND s.merchant_id = 0
                 ORDER BY s.stop_id DESC LIMIT 1), false) AS is_scene_stopped,
       coalesce((SELECT s.is_stopped FROM lending.scene_stop AS s
                 WHERE s.scene = p.scene AND s.merchant_id = p.merchant_id
                 ORDER BY s.stop_id DESC LIMIT 1), false) AS is_merchant_stopped
FROM lending.scene_payee AS p
WHERE p.merchant_id = :merchant_id
ORDER BY p.version_no DESC
LIMIT 1;

-- name: owed_in_scene
-- What a customer owes for purchases of a scene, with what has no answer yet, but for one drawdown.
-- gives   one amount
-- locks   none
SELECT coalesce(sum(CASE WHEN u.loan_id IS NULL THEN u.amount_minor
                         WHEN o.status = 'pending' THEN o.original_minor
                         WHEN o.status = 'open' THEN o.principal_minor END), 0)::bigint
FROM lending.scene_use AS u
JOIN lending.scene_purchase AS p
    ON p.customer_id = u.customer_id AND p.purchase_id = u.purchase_id
LEFT JOIN lending.loan AS o ON o.customer_id = u.customer_id AND o.loan_id = u.loan_id
WHERE u.customer_id = :customer_id AND p.scene = :scene AND u.idempotency_key <> :key;

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
-- Where merchants are paid at present, of one scene or of all.
-- gives   one row for each merchant, at most :page after a number
-- turns   is read to both sides of its key
-- locks   none
SELECT p.merchant_id, p.version_no, p.scene, p.name, p.payee_ref, p.asked_by, p.approved_by,
       p.approval_id, p.registered_at
FROM lending.scene_payee AS p
WHERE (:scene::text IS NULL OR p.scene = :scene)
  AND p.version_no = (SELECT max(v.version_no) FROM lending.scene_payee AS v
                      WHERE v.merchant_id = p.merchant_id)
  AND (p.merchant_id) > /*turns*/ (:merchant_id::bigint)
ORDER BY p.merchant_id ASC /*turns*/
LIMIT :page;

-- name: payee_of_merchant
-- Where a merchant is paid at present, or was in a version.
-- gives   at most one row
-- locks   none
SELECT merchant_id, version_no, scene, name, payee_ref, asked_by, approved_by, approval_id,
       registered_at
FROM lending.scene_payee
WHERE merchant_id = :merchant_id AND (version_no = :version_no OR :version_no = 0)
ORDER BY version_no DESC
LIMIT 1;

-- name: payees_of_accounts
-- Merchants that are paid at certain accounts at present.
-- gives   one row for each merchant
-- locks   none
SELECT p.merchant_id, p.version_no, p.scene, p.name, p.payee_ref, p.asked_by, p.approved_by,
       p.approval_id, p.registered_at
FROM lending.scene_payee AS p
WHERE p.payee_ref = ANY (:accounts::text[])
  AND p.version_no = (SELECT max(last.version_no) FROM lending.scene_payee AS last
                      WHERE last.merchant_id = p.merchant_id)
ORDER BY p.merchant_id;

-- name: books
-- What is owed in scenes as a whole and at each of their merchants, and what of it is late.
-- gives   a row for each scene with loans and for each of its merchants
-- locks   none
WITH scene AS (
    SELECT code, late_before
    FROM unnest(:scenes::text[], :late_before::date[]) AS s (code, late_before)
), loan AS (
    SELECT p.scene, p.merchant_id, o.principal_minor,
           CASE WHEN o.oldest_due_date <= s.late_before THEN o.principal_minor ELSE 0 END
               AS late_minor
    FROM lending.scene_use AS u
    JOIN lending.scene_purchase AS p
        ON p.customer_id = u.customer_id AND p.purchase_id = u.purchase_id
    JOIN scene AS s ON s.code = p.scene
    JOIN lending.loan AS o ON o.customer_id = u.customer_id AND o.loan_id = u.loan_id
    WHERE o.status = 'open'
)
SELECT scene, merchant_id, count(*) AS loans_count, sum(principal_minor)::bigint AS owed_minor,
       sum(late_minor)::bigint AS late_minor
FROM loan
GROUP BY GROUPING SETS ((scene), (scene, merchant_id));

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
