-- name: add_consumer
-- Gives a new consumer a cursor at the beginning of the outbox.
-- gives   nothing
-- locks   nothing where the cursor is there
INSERT INTO platform.outbox_cursor (consumer) VALUES (:consumer)
ON CONFLICT (consumer) DO NOTHING;

-- name: lock_cursor
-- How far a consumer has read, held until the transaction ends.
-- gives   one row; none where another worker holds it
-- locks   the cursor, without waiting
SELECT c.xid::text AS xid, c.event_id,
       c.xid >= pg_snapshot_xmax(pg_current_snapshot()) AS is_ahead
FROM platform.outbox_cursor AS c
WHERE c.consumer = :consumer
FOR UPDATE SKIP LOCKED;

-- name: page
-- The next events after a position, oldest first. Only those of transactions older than every one
-- that still runs: a commit that comes late can never land behind the cursor.
-- gives   at most :page rows; no payload for kinds the consumer does not want
-- locks   none
SELECT o.xid::text AS xid, o.event_id, o.customer_id, o.kind, o.subject_id, o.created_at,
       CASE WHEN o.kind = ANY (:kinds::text[]) THEN o.payload END AS payload
FROM platform.outbox AS o
WHERE (o.xid, o.event_id) > (:xid::text::xid8, :event_id::bigint)
  AND o.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY o.xid, o.event_id
LIMIT :page;

-- name: move_cursor
-- Moves a cursor behind the last event of a page.
-- gives   nothing
-- locks   the cursor
UPDATE platform.outbox_cursor
SET xid = :xid::text::xid8, event_id = :event_id
WHERE consumer = :consumer;

-- name: take_lease
-- Takes or renews the lease of a consumer, by the database's clock.
-- gives   one row where the lease is the holder's now
-- locks   the cursor
UPDATE platform.outbox_cursor
SET leased_by = :holder::text,
    leased_until = clock_timestamp() + make_interval(secs => :seconds::integer)
WHERE consumer = :consumer
  AND (leased_by IS NULL OR leased_by = :holder::text OR leased_until < clock_timestamp())
RETURNING consumer;

-- name: give_back_lease
-- Ends a lease early, so that another worker need not wait for its end.
-- gives   nothing
-- locks   the cursor
UPDATE platform.outbox_cursor
SET leased_by = NULL, leased_until = NULL
WHERE consumer = :consumer AND leased_by = :holder;

-- name: lags
-- How far each consumer is behind: events behind its cursor, counted up to a bound, and when the
-- oldest of them was written.
-- gives   one row a consumer; no instant where nothing is behind
-- locks   none
SELECT c.consumer, behind.events, behind.oldest_at
FROM platform.outbox_cursor AS c
CROSS JOIN LATERAL (
    SELECT count(*) AS events, min(next.created_at) AS oldest_at
    FROM (
        SELECT o.created_at
        FROM platform.outbox AS o
        WHERE (o.xid, o.event_id) > (c.xid, c.event_id)
        ORDER BY o.xid, o.event_id
        LIMIT :bound
    ) AS next
) AS behind
ORDER BY c.consumer;

-- name: waiting
-- How many events lie behind a consumer's cursor, counted up to a bound.
-- gives   one row
-- locks   none
SELECT count(*) AS events
FROM (
    SELECT 1
    FROM platform.outbox_cursor AS c
    JOIN platform.outbox AS o ON (o.xid, o.event_id) > (c.xid, c.event_id)
    WHERE c.consumer = :consumer
    LIMIT :bound
) AS behind;
