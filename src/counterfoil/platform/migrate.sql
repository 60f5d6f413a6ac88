-- The record of applied migrations. It stands outside the migrations it records.

-- name: server_version
-- How old the server is.
-- gives   such as `15.4`
-- locks   nothing
SELECT current_setting('server_version_num')::integer / 10000 || '.'
       || current_setting('server_version_num')::integer % 10000;

-- name: create_schema
-- The platform's schema, on a database nobody has used yet.
-- locks   none that matters
CREATE SCHEMA IF NOT EXISTS platform;

-- name: create_record
-- One row per applied migration.
-- locks   none that matters
CREATE TABLE IF NOT EXISTS platform.migration (
    number      integer     PRIMARY KEY CHECK (number > 0),
    name        text        NOT NULL UNIQUE,
    checksum    bytea       NOT NULL CHECK (octet_length(checksum) = 32),
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- name: take_turn
-- Waits until no other process migrates this database; held until the session ends.
-- locks   the advisory lock of migrations
SELECT pg_advisory_lock(:key::bigint);

-- name: leave_turn
-- Lets the next process migrate.
-- gives   whether the lock was held
SELECT pg_advisory_unlock(:key::bigint);

-- name: has_record
-- Whether this database was ever migrated.
-- gives   one value
-- locks   none
SELECT to_regclass('platform.migration') IS NOT NULL;

-- name: applied
-- What was applied, oldest first.
-- gives   one row per migration
-- locks   none
SELECT number, name, checksum FROM platform.migration ORDER BY number;

-- name: add
-- Records a migration as applied.
-- locks   none but its row
INSERT INTO platform.migration (number, name, checksum)
VALUES (:number, :name, :checksum);

-- name: row_estimate
-- About how many rows a table has, by the statistics of the last analysis; nothing is counted.
-- gives   one value; null where the table is not there
-- locks   none
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(:table::text);
