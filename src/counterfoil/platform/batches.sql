-- name: commands_seen
-- Answers already given under these keys.
-- gives   at most one row a key
-- locks   none
SELECT c.customer_id, c.idempotency_key, c.request_hash, c.answer
FROM unnest(:keys::platform.command_key_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM platform.command AS d
    WHERE d.customer_id = k.customer_id AND d.idempotency_key = k.idempotency_key
    OFFSET 0) AS c;

-- name: add_commands
-- Accepted commands with their answers.
-- gives   nothing
-- locks   nothing
INSERT INTO platform.command (
    customer_id, idempotency_key, request_hash, kind, answer, accepted_at, leaf_id, actor, role,
    source, reason)
SELECT r.customer_id, r.idempotency_key, r.request_hash, r.kind, r.answer, r.accepted_at, r.leaf_id,
       r.actor, r.role, r.source, r.reason
FROM unnest(:rows::platform.command_v2[]) AS r;

-- name: add_events
-- Events for whoever must hear of the commands.
-- gives   nothing
-- locks   nothing
INSERT INTO platform.outbox (event_id, customer_id, kind, subject_id, payload, created_at)
SELECT r.event_id, r.customer_id, r.kind, r.subject_id, r.payload, r.created_at
FROM unnest(:rows::platform.outbox_v1[]) AS r;

-- name: hold_business_date
-- Keeps the business date where it was when the commands were decided.
-- gives   true, or raises CF002
-- locks   the business date, shared
SELECT platform.hold_business_date(:business_date);

-- name: business_date
-- The business date.
-- gives   one row once the calendar was started
-- locks   none
SELECT d.business_date FROM platform.business_date AS d;

-- name: start_business_date
-- Starts the calendar of a new database.
-- gives   nothing
-- locks   the business date
INSERT INTO platform.business_date (business_date, moved_at)
VALUES (:business_date, :moved_at)
ON CONFLICT (singleton) DO NOTHING;

-- name: lock_business_date
-- Waits until no command holds the business date and keeps new ones out.
-- gives   nothing
-- locks   the business date, alone
SELECT pg_advisory_xact_lock(7205759403792793);

-- name: move_business_date
-- Moves the business date forward by one step.
-- gives   nothing where it is not at the day expected
-- locks   the business date
UPDATE platform.business_date
SET business_date = :next_date, moved_at = :moved_at
WHERE business_date = :business_date;

-- name: hold_close
-- Whether this session alone may close days; it may until its connection ends.
-- gives   one value
-- locks   the close of day, for the session
SELECT pg_try_advisory_lock(7205759403792794) AS is_held;
