-- What the database has, for the register of fields; and what it has about one person.

-- name: columns_there
-- The columns of every table of the house, in order.
-- gives   a row a table
-- locks   none
SELECT c.table_schema || '.' || c.table_name AS name,
       array_agg(c.column_name::text ORDER BY c.ordinal_position) AS columns
FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE'
  AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
GROUP BY 1
ORDER BY 1;

-- name: rows_about
-- The rows of one table about one customer, as JSON.
-- gives   at most :page rows
-- locks   none
SELECT rows_about AS row
FROM privacy.rows_about(
    :of_schema, :of_table, :columns::text[], :customer_id::bigint, :page::integer
);
