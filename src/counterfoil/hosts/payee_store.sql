-- Accounts that hosts have declared.

-- name: claim_payee
-- Makes a token somebody's, unless it is somebody's already.
-- locks   its row
INSERT INTO hosts.payee_owner (payee_ref, customer_id) VALUES (:payee_ref, :customer_id)
ON CONFLICT ON CONSTRAINT payee_owner_pkey DO NOTHING;

-- name: owner_of_payee
-- Whose a token is. It is found by the token alone: that is what the directory is for.
-- gives   at most one number
-- locks   none
SELECT customer_id FROM hosts.payee_owner WHERE payee_ref = :payee_ref;

-- name: add_payee
-- An account that was declared; one that is in force already stays.
-- locks   none but its row
INSERT INTO hosts.payee (
    customer_id, payee_id, host_id, payee_ref, label, declared_at, withdrawn_at, withdrawn_by)
VALUES (
    :customer_id, :payee_id, :host_id, :payee_ref, :label, :declared_at, :withdrawn_at,
    :withdrawn_by)
ON CONFLICT (customer_id, host_id, payee_ref) WHERE withdrawn_at IS NULL DO NOTHING;

-- name: payees
-- Accounts of a customer that hosts have declared, or one host has, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT p.customer_id, p.payee_id, p.host_id, p.payee_ref, p.label, p.declared_at, p.withdrawn_at,
       p.withdrawn_by
FROM hosts.payee AS p
WHERE p.customer_id = :customer_id AND (:host_id::bigint IS NULL OR p.host_id = :host_id)
  AND p.payee_id < /*turns*/ :before
ORDER BY p.payee_id DESC /*turns*/
LIMIT :page;

-- name: withdraw_payee
-- An account that is paid no more.
-- gives   one row where it was in force
-- locks   the row
UPDATE hosts.payee SET withdrawn_at = :at, withdrawn_by = :by
WHERE customer_id = :customer_id AND host_id = :host_id AND payee_id = :payee_id
  AND withdrawn_at IS NULL
RETURNING payee_id;
