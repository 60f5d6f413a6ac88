-- name: recorded
-- Every command that was accepted, with its answer.
-- gives   one row a command
-- locks   none
SELECT c.idempotency_key, c.answer
-- house: allow own-schema – what is recorded is held against what was told
FROM platform.command AS c
ORDER BY c.idempotency_key;

-- name: backends
-- Server processes of the clerk that works on this database.
-- gives   one row a process
-- locks   none
SELECT a.pid
FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.backend_type = 'client backend'
  AND a.application_name = 'counterfoil' AND a.pid <> pg_backend_pid()
ORDER BY a.pid;
