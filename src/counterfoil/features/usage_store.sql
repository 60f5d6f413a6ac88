-- What was collected.

-- name: events_collected
-- How many events of each kind became known since an instant.
-- gives   a row a kind
-- locks   none
SELECT kind, count(*) AS events
FROM features.event
WHERE known_at > :since AND NOT is_void
GROUP BY kind;
