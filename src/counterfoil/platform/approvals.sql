-- Requests that a second person decides.

-- name: add_approval
-- A new request.
-- locks   none but its row
INSERT INTO platform.approval (
    approval_id, kind, payload_hash, summary, requested_by, request_reason, requested_at, expires_at
) VALUES (
    :approval_id, :kind, :payload_hash, :summary, :requested_by, :reason, :now, :expires_at
);

-- name: lock_approval
-- One request.
-- gives   at most one row
-- locks   the row
SELECT approval_id, kind, payload_hash, summary, requested_by, request_reason, requested_at,
       expires_at, decided_by, is_approved, decision_reason, decided_at, used_by, used_at
FROM platform.approval
WHERE approval_id = :approval_id
FOR UPDATE;

-- name: decide_approval
-- The decision of a second person.
-- locks   the row
UPDATE platform.approval
SET decided_by = :decided_by, is_approved = :is_approved, decision_reason = :reason,
    decided_at = :now
WHERE approval_id = :approval_id AND decided_at IS NULL;

-- name: usable_approval
-- The oldest request of a kind for a payload that was approved and not used yet.
-- gives   at most one row
-- locks   the row, so that it is used once
SELECT approval_id, kind, payload_hash, summary, requested_by, request_reason, requested_at,
       expires_at, decided_by, is_approved, decision_reason, decided_at, used_by, used_at
FROM platform.approval
WHERE kind = :kind AND payload_hash = :payload_hash AND is_approved AND used_at IS NULL
  AND expires_at > :now
ORDER BY approval_id
LIMIT 1
FOR UPDATE;

-- name: use_approval
-- Marks an approval as used.
-- locks   the row
UPDATE platform.approval
SET used_by = :used_by, used_at = :now
WHERE approval_id = :approval_id AND used_at IS NULL;

-- name: approvals
-- Requests, newest first; only the undecided ones that are still open where that is asked for.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT approval_id, kind, payload_hash, summary, requested_by, request_reason, requested_at,
       expires_at, decided_by, is_approved, decision_reason, decided_at, used_by, used_at
FROM platform.approval
WHERE approval_id < /*turns*/ :before
  AND (NOT :only_open::boolean OR (decided_at IS NULL AND expires_at > :now))
ORDER BY approval_id DESC /*turns*/
LIMIT :page;
