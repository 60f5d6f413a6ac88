-- Staff beyond name and password: second factor, use of rights, emergencies.

-- name: factor
-- The second factor of an operator.
-- gives   at most one row
-- locks   none
SELECT operator_id, secret, pending, confirmed_at, last_step
FROM platform.second_factor
WHERE operator_id = :operator_id;

-- name: begin_factor
-- A secret that the operator's app has still to confirm; one that is in use stays.
-- locks   its row
INSERT INTO platform.second_factor (operator_id, pending)
VALUES (:operator_id, :pending)
ON CONFLICT (operator_id) DO UPDATE SET pending = excluded.pending;

-- name: confirm_factor
-- The pending secret becomes the one in use.
-- locks   its row
UPDATE platform.second_factor
SET secret = pending, pending = NULL, confirmed_at = :now, last_step = :step
WHERE operator_id = :operator_id AND pending = :pending;

-- name: use_step
-- A code's step is used up; changes nothing where a later one was used.
-- locks   its row
UPDATE platform.second_factor SET last_step = :step
WHERE operator_id = :operator_id AND last_step < :step;

-- name: remove_factor
-- An operator's second factor with its recovery codes.
-- locks   its row
DELETE FROM platform.second_factor WHERE operator_id = :operator_id;

-- name: forget_recovery_codes
-- The codes that new ones take the place of.
-- locks   their rows
DELETE FROM platform.recovery_code WHERE operator_id = :operator_id;

-- name: add_recovery_codes
-- New codes, by digest.
-- locks   none but their rows
INSERT INTO platform.recovery_code (operator_id, digest)
SELECT :operator_id, given.digest FROM unnest(:digests::bytea[]) AS given (digest);

-- name: use_recovery_code
-- A code is used up; changes nothing where it is not one, or was used.
-- locks   its row
UPDATE platform.recovery_code SET used_at = :now
WHERE operator_id = :operator_id AND digest = :digest AND used_at IS NULL;

-- name: note_right_use
-- The day on which a permission was used.
-- locks   its row
INSERT INTO platform.right_use (operator, permission, last_used_on)
VALUES (:operator, :permission, :used_on)
ON CONFLICT (operator, permission) DO UPDATE
SET last_used_on = greatest(right_use.last_used_on, excluded.last_used_on);

-- name: operators
-- Operators with their roles, by name; one alone where a name is given.
-- gives   one row an operator
-- locks   none
SELECT o.operator_id, o.name, o.role, o.disabled_at, f.confirmed_at AS factor_since,
       coalesce(o.rights_since, o.created_at) AS rights_since
FROM platform.operator AS o
LEFT JOIN platform.second_factor AS f
  ON f.operator_id = o.operator_id AND f.confirmed_at IS NOT NULL
WHERE :name::text IS NULL OR o.name = :name
ORDER BY o.name;

-- name: rights_known
-- When permissions were last used and last confirmed, by operator and permission.
-- gives   one row for each permission that was either
-- locks   none
SELECT coalesce(u.operator, c.operator) AS operator,
       coalesce(u.permission, c.permission) AS permission,
       u.last_used_on, c.confirmed_at, c.confirmed_by
FROM platform.right_use AS u
FULL JOIN (
    SELECT DISTINCT ON (operator, permission) operator, permission, confirmed_at, confirmed_by
    FROM platform.right_confirmation
    ORDER BY operator, permission, confirmed_at DESC
) AS c ON c.operator = u.operator AND c.permission = u.permission
WHERE :name::text IS NULL OR coalesce(u.operator, c.operator) = :name;

-- name: add_confirmations
-- Somebody else's word that permissions are still needed.
-- locks   none but their rows
INSERT INTO platform.right_confirmation (
    confirmation_id, operator, permission, confirmed_by, reason, confirmed_at
)
SELECT given.confirmation_id, :operator, given.permission, :confirmed_by, :reason, :now
FROM unnest(:confirmation_ids::bigint[], :permissions::text[])
    AS given (confirmation_id, permission);

-- name: add_emergency
-- An emergency begins.
-- locks   none but its row
INSERT INTO platform.emergency (
    emergency_id, operator, role, lent_role, ticket, reason, started_at, ends_at
) VALUES (
    :emergency_id, :operator, :role, :lent_role, :ticket, :reason, :started_at, :ends_at
);

-- name: add_emergency_event
-- An emergency is ended early, or looked at afterwards.
-- locks   none but its row; a second of a kind breaks `emergency_event_pkey`
INSERT INTO platform.emergency_event (
    emergency_id, kind, operator, done_by, finding, text, at
) VALUES (
    :emergency_id, :kind, :operator, :done_by, :finding, :text, :at
);

-- name: emergencies
-- Emergencies, newest first, with how they ended and what was found.
-- gives   at most :page rows
-- locks   none
SELECT e.emergency_id, e.operator, e.role, e.lent_role, e.ticket, e.reason, e.started_at,
       least(e.ends_at, ended.at) AS ends_at, reviewed.done_by AS reviewed_by,
       reviewed.finding, reviewed.text AS review, reviewed.at AS reviewed_at
FROM platform.emergency AS e
LEFT JOIN platform.emergency_event AS ended
  ON ended.emergency_id = e.emergency_id AND ended.kind = 'ended'
LEFT JOIN platform.emergency_event AS reviewed
  ON reviewed.emergency_id = e.emergency_id AND reviewed.kind = 'reviewed'
WHERE (:emergency_id::bigint IS NULL OR e.emergency_id = :emergency_id)
  AND (NOT :only_open::boolean OR reviewed.at IS NULL)
ORDER BY e.emergency_id DESC
LIMIT :page;

-- name: standing
-- What holds for one operator beyond the role: lent rights, and how many emergencies wait.
-- gives   one row
-- locks   none
SELECT lent.emergency_id, lent.lent_role, lent.ends_at, (
    SELECT count(*) FROM platform.emergency AS e
    WHERE NOT EXISTS (
        SELECT FROM platform.emergency_event AS r
        WHERE r.emergency_id = e.emergency_id AND r.kind = 'reviewed')
) AS waiting
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT e.emergency_id, e.lent_role, e.ends_at
    FROM platform.emergency AS e
    WHERE e.operator = :operator AND e.started_at <= :now AND e.ends_at > :now
      AND NOT EXISTS (
          SELECT FROM platform.emergency_event AS d
          WHERE d.emergency_id = e.emergency_id AND d.kind = 'ended')
    ORDER BY e.emergency_id DESC
    LIMIT 1
) AS lent ON true;
