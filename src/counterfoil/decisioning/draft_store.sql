-- Application forms that are being filled in, and what a customer stated before.

-- name: save_draft
-- What was filled in so far; what was saved before is replaced.
-- locks   the row
INSERT INTO decisioning.application_draft (customer_id, product_code, content, saved_at)
VALUES (:customer_id, :product_code, :content, :saved_at)
ON CONFLICT ON CONSTRAINT application_draft_pkey
DO UPDATE SET content = excluded.content, saved_at = excluded.saved_at;

-- name: draft
-- The form of a customer for a product.
-- gives   at most one row
-- locks   none
SELECT content, saved_at
FROM decisioning.application_draft
WHERE customer_id = :customer_id AND product_code = :product_code;

-- name: remove_draft
-- Forgets a form that was submitted, or is no longer wanted.
-- locks   the row
DELETE FROM decisioning.application_draft
WHERE customer_id = :customer_id AND product_code = :product_code;

-- name: remove_drafts_before
-- Forgets forms that nobody has touched since an instant.
-- locks   those rows
DELETE FROM decisioning.application_draft WHERE saved_at < :saved_before;

-- name: last_inputs
-- What was known at the latest decision on an application of a customer.
-- gives   at most one row
-- locks   none
SELECT inputs, policy_hash, decided_at
FROM decisioning.decision
WHERE customer_id = :customer_id
ORDER BY decided_at DESC, application_id DESC, decision_no DESC
LIMIT 1;
