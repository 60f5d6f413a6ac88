-- Which facts decisions have read.

-- name: features_read
-- The facts of which decisions since an instant held a value.
-- gives   a row a fact
-- locks   none
SELECT DISTINCT fact.key AS name
FROM (
    SELECT inputs, decided_at FROM decisioning.recorded_decision WHERE decided_at > :since
    UNION ALL
    SELECT inputs, decided_at FROM decisioning.line_review WHERE decided_at > :since
) AS read
CROSS JOIN LATERAL jsonb_each(
    CASE jsonb_typeof(read.inputs::jsonb -> 'features')
        WHEN 'object' THEN read.inputs::jsonb -> 'features' ELSE '{}' END
) AS fact
WHERE fact.value <> 'null'::jsonb;
