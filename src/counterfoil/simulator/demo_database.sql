-- name: is_used
-- Whether the database holds anything about customers, or money.
-- gives   one value
-- locks   none
SELECT EXISTS (SELECT 1 FROM reporting.customer) OR EXISTS (SELECT 1 FROM reporting.application)
    OR EXISTS (SELECT 1 FROM reporting.line) OR EXISTS (SELECT 1 FROM reporting.journal)
    OR EXISTS (SELECT 1 FROM reporting.payment) AS is_used;

-- name: is_of_demo
-- Whether what the database holds was made by a demonstration.
-- gives   one value
-- locks   none
SELECT to_regclass('demo.run') IS NOT NULL AS is_of_demo;

-- name: others
-- Other processes of the product on this database.
-- gives   one value
-- locks   none
SELECT count(*) AS others
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name = 'counterfoil' AND backend_type = 'client backend';

-- name: empty
-- Empties every table but the record of migrations, the API keys, the operators, and what the
-- migrations themselves wrote: without a generation of the index nobody is found by a number.
-- gives   nothing
-- locks   all these tables
DO $$
DECLARE
    names text;
    place text;
    guarded text[] := '{}';
BEGIN
    SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') INTO names
    FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'demo')
      AND tablename NOT IN ('migration', 'api_key', 'operator', 'index_generation');
    -- What is append-only refuses to be emptied; the owner of a demonstration may begin anew.
    FOR place IN
        SELECT DISTINCT format('%I.%I', n.nspname, c.relname)
        FROM pg_trigger AS t
        JOIN pg_class AS c ON c.oid = t.tgrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal
    LOOP
        guarded := guarded || place;
        EXECUTE 'ALTER TABLE ' || place || ' DISABLE TRIGGER USER';
    END LOOP;
    EXECUTE 'TRUNCATE ' || names;
    FOREACH place IN ARRAY guarded LOOP
        EXECUTE 'ALTER TABLE ' || place || ' ENABLE TRIGGER USER';
    END LOOP;
END $$;

-- name: make_schema
-- A place for the mark that a demonstration leaves.
-- gives   nothing
-- locks   nothing
CREATE SCHEMA IF NOT EXISTS demo;

-- name: make_mark
-- The mark that a demonstration leaves: whoever finds it may empty the database.
-- gives   nothing
-- locks   nothing
CREATE TABLE IF NOT EXISTS demo.run (
    seed        bigint      NOT NULL,
    applicants  integer     NOT NULL,
    days        integer     NOT NULL,
    started_at  timestamptz NOT NULL,
    -- How many it made; NULL until it has ended.
    customers   bigint
);

-- name: note_run
-- What the demonstration was asked for.
-- gives   nothing
-- locks   nothing
INSERT INTO demo.run (seed, applicants, days, started_at)
VALUES (:seed, :applicants, :days, :started_at);

-- name: note_end
-- How many customers the demonstration has made.
-- gives   nothing
-- locks   its row
UPDATE demo.run SET customers = (SELECT count(*) FROM reporting.customer)
WHERE started_at = (SELECT max(r.started_at) FROM demo.run AS r);

-- name: newcomers
-- Customers that came after the last demonstration had ended.
-- gives   one value, below one where nobody came; NULL where it has not ended
-- locks   none
SELECT (SELECT count(*) FROM reporting.customer) - r.customers AS newcomers
FROM demo.run AS r
ORDER BY r.started_at DESC
LIMIT 1;
