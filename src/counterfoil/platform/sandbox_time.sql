-- How far a sandbox is ahead of the world's clock.

-- name: lock_time
-- Lets one process skip at a time; whoever reads goes on.
-- gives   nothing
-- locks   the steps against other steps
LOCK TABLE platform.sandbox_time IN SHARE ROW EXCLUSIVE MODE;

-- name: ahead
-- How far the sandbox is ahead, by its last step.
-- gives   one row, zero where nothing was ever skipped
-- locks   none
SELECT coalesce(max(ahead_seconds), 0) FROM platform.sandbox_time;

-- name: step
-- The step that was made under a key.
-- gives   at most one row
-- locks   none
SELECT ahead_seconds, business_date FROM platform.sandbox_time WHERE step_key = :step_key;

-- name: add_step
-- One step forward.
-- gives   nothing
-- locks   none but its row
INSERT INTO platform.sandbox_time (step_key, ahead_seconds, business_date, skipped_at)
VALUES (:step_key, :ahead_seconds, :business_date, :skipped_at);
