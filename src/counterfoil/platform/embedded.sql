-- What the superuser of the embedded server does at its start, and nothing else.

-- name: make_service_role
-- The role that the product connects as: no superuser, owner of what is its own. What earlier
-- releases made as the superuser is handed over.
-- gives   nothing
-- locks   what is handed over, exclusively
DO $role$
DECLARE
    item record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'counterfoil_service') THEN
        CREATE ROLE counterfoil_service LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS CREATEDB;
    END IF;
    GRANT pg_checkpoint, pg_monitor TO counterfoil_service;
    IF (SELECT datdba FROM pg_database WHERE datname = current_database())
            <> 'counterfoil_service'::regrole THEN
        EXECUTE format('ALTER DATABASE %I OWNER TO counterfoil_service', current_database());
    END IF;
    FOR item IN
        SELECT format('ALTER SCHEMA %I OWNER TO counterfoil_service', n.nspname) AS command
        FROM pg_namespace AS n
        WHERE n.nspowner = 'counterfoil'::regrole AND n.nspname !~ '^pg_'
          AND n.nspname NOT IN ('information_schema', 'public')
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO counterfoil_service',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE'
                                     WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'c' THEN 'TYPE'
                                     ELSE 'TABLE' END, c.oid::regclass)
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relowner = 'counterfoil'::regrole AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'S')
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND (c.relkind = 'c' OR NOT EXISTS (
              SELECT FROM pg_depend AS d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO counterfoil_service', p.oid::regprocedure)
        FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.proowner = 'counterfoil'::regrole
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO counterfoil_service',
                      CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype)
        FROM pg_type AS t
        JOIN pg_namespace AS n ON n.oid = t.typnamespace
        WHERE t.typowner = 'counterfoil'::regrole AND t.typtype IN ('d', 'e')
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    LOOP
        EXECUTE item.command;
    END LOOP;
END $role$;
