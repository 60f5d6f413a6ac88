-- Whether this database has ever held data of real persons.

-- name: mark_origin
-- Marks the database by the environment that opens it; what is real stays real.
-- locks   its row
INSERT INTO platform.data_origin (environment, is_real, marked_at)
VALUES (:environment, :is_real, :marked_at)
ON CONFLICT (only_row) DO UPDATE
SET environment = excluded.environment, is_real = true, marked_at = excluded.marked_at
WHERE excluded.is_real AND NOT data_origin.is_real;

-- name: origin
-- The mark.
-- gives   one row once the database was opened
-- locks   none
SELECT environment, is_real FROM platform.data_origin;
