-- The trail: who looked, who changed, who was turned away.

-- name: add_trail
-- What happened, in the order given.
-- locks   none but its rows
INSERT INTO platform.trail (
    trail_id, at, actor, role, source, act, outcome, customer_id, customer_ids, subject, purpose,
    ticket, reason, before, after
)
SELECT given.trail_id, given.at, given.actor, given.role, given.source, given.act, given.outcome,
       given.customer_id, string_to_array(given.shown, ',')::bigint[], given.subject, given.purpose,
       given.ticket, given.reason, given.before, given.after
FROM unnest(
    :trail_ids::bigint[], :ats::timestamptz[], :actors::text[], :roles::text[], :sources::text[],
    :acts::text[], :outcomes::text[], :customer_ids::bigint[], :shown::text[], :subjects::text[],
    :purposes::text[], :tickets::text[], :reasons::text[], :befores::text[], :afters::text[]
) AS given (trail_id, at, actor, role, source, act, outcome, customer_id, shown, subject, purpose,
            ticket, reason, before, after);

-- name: find_trail
-- What happened, newest first, by what is known of it, with the leaf that commits to it.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT t.trail_id, t.at, t.actor, t.role, t.source, t.act, t.outcome, t.customer_id, t.customer_ids,
       t.subject, t.purpose, t.ticket, t.reason, t.before, t.after,
       (SELECT CASE WHEN a.after_id < t.trail_id THEN a.leaf_id END
        FROM platform.trail_anchor AS a
        WHERE a.through_id >= t.trail_id
        ORDER BY a.through_id
        LIMIT 1) AS leaf_id
FROM platform.trail AS t
WHERE t.trail_id < /*turns*/ :before
  AND (:actor::text IS NULL OR t.actor = :actor)
  AND (:act::text IS NULL OR t.act = :act)
  AND (:customer_id::bigint IS NULL OR t.customer_id = :customer_id
       OR t.customer_ids @> ARRAY[:customer_id])
  AND (:since::timestamptz IS NULL OR t.at >= :since)
  AND (:until::timestamptz IS NULL OR t.at < :until)
  AND (NOT :only_refused::boolean OR t.outcome <> 'done')
ORDER BY t.trail_id DESC /*turns*/
LIMIT :page;

-- name: commands_of_customer
-- The commands of one customer that are lines of the trail, newest first.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT c.customer_id, c.leaf_id, c.kind, c.answer, c.accepted_at, c.actor, c.role, c.source, c.reason
FROM platform.command AS c
WHERE c.customer_id = :customer_id AND c.actor IS NOT NULL
  AND c.leaf_id < /*turns*/ :before
  AND (:actor::text IS NULL OR c.actor = :actor)
  AND (:act::text IS NULL OR c.kind = :act)
  AND (:since::timestamptz IS NULL OR c.accepted_at >= :since)
  AND (:until::timestamptz IS NULL OR c.accepted_at < :until)
ORDER BY c.leaf_id DESC /*turns*/
LIMIT :page;

-- name: find_commands
-- Commands that are lines of the trail, newest first: the newest of each who sent some, merged.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
WITH RECURSIVE sender AS (
    (SELECT c.actor FROM platform.command AS c WHERE c.actor IS NOT NULL ORDER BY c.actor LIMIT 1)
    UNION ALL
    SELECT (SELECT c.actor FROM platform.command AS c
            WHERE c.actor IS NOT NULL AND c.actor > s.actor
            ORDER BY c.actor
            LIMIT 1)
    FROM sender AS s
    WHERE s.actor IS NOT NULL
)
SELECT o.customer_id, o.leaf_id, o.kind, o.answer, o.accepted_at, o.actor, o.role, o.source, o.reason
FROM sender AS s
CROSS JOIN LATERAL (
    SELECT c.customer_id, c.leaf_id, c.kind, c.answer, c.accepted_at, c.actor, c.role, c.source,
           c.reason
    FROM platform.command AS c
    WHERE c.actor = s.actor AND c.actor IS NOT NULL
      AND c.leaf_id < /*turns*/ :before
      -- Numbers follow the clock: what was sent earlier has a smaller one.
      AND (:since_id::bigint IS NULL OR c.leaf_id >= :since_id)
      AND (:act::text IS NULL OR c.kind = :act)
      AND (:since::timestamptz IS NULL OR c.accepted_at >= :since)
      AND (:until::timestamptz IS NULL OR c.accepted_at < :until)
    ORDER BY c.leaf_id DESC /*turns*/
    LIMIT :page) AS o
WHERE :actor::text IS NULL OR s.actor = :actor
ORDER BY o.leaf_id DESC /*turns*/
LIMIT :page;

-- name: trail_after
-- What happened, oldest first, between two keys.
-- gives   at most :page rows
-- locks   none
SELECT trail_id, at, actor, role, source, act, outcome, customer_id, customer_ids, subject,
       purpose, ticket, reason, before, after
FROM platform.trail
WHERE trail_id > :after AND trail_id <= :through
ORDER BY trail_id
LIMIT :page;

-- name: last_anchor
-- How far the trail is committed to.
-- gives   one row; NULL where nothing is yet
-- locks   none
SELECT max(through_id) AS through_id FROM platform.trail_anchor;

-- name: anchors
-- Every commitment to a part of the trail, in its order.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT through_id, after_id, entries, sha256, leaf_id, at
FROM platform.trail_anchor
WHERE through_id > :after
ORDER BY through_id
LIMIT :page;

-- name: add_anchor
-- A commitment to a part of the trail.
-- locks   none but its row; a second one that begins at the same place breaks `trail_anchor_once`
INSERT INTO platform.trail_anchor (through_id, after_id, entries, sha256, leaf_id, at)
VALUES (:through_id, :after_id, :entries, :sha256, :leaf_id, :at);

-- name: last_command_anchor
-- How far in the log it is committed to who sent the commands.
-- gives   one row; NULL where nothing is yet
-- locks   none
SELECT max(through_idx) AS through_idx FROM platform.command_anchor;

-- name: command_digest
-- The commands of a part of the log as one hash: members of each behind one another with a unit
-- separator (0x1f) between them and a newline at the end, instants in microseconds since 1970.
-- gives   one row
-- locks   none
SELECT count(*) AS entries,
       sha256(coalesce(string_agg(convert_to(concat_ws(
           E'\x1f', c.idx, c.customer_id, c.idempotency_key, c.kind,
           (extract(epoch FROM c.accepted_at) * 1000000)::bigint,
           coalesce(c.leaf_id, 0), coalesce(c.actor, ''), coalesce(c.role, ''),
           coalesce(c.source, ''), coalesce(c.reason, '')
       ) || E'\n', 'UTF8'), ''::bytea ORDER BY c.idx, c.idempotency_key), ''::bytea)) AS sha256
FROM reporting.command_in_log AS c
WHERE c.idx > :after AND c.idx <= :through;

-- name: log_end
-- The number of the last leaf of the log.
-- gives   one row; NULL where there is none
-- locks   none
SELECT max(l.idx) AS idx FROM reporting.leaf AS l;

-- name: add_command_anchor
-- A commitment to who sent the commands of a part of the log.
-- locks   none but its row; a second one that begins at the same place breaks `command_anchor_once`
INSERT INTO platform.command_anchor (through_idx, after_idx, entries, sha256, leaf_id, at)
VALUES (:through_idx, :after_idx, :entries, :sha256, :leaf_id, :at);

-- name: command_anchors
-- Every commitment to who sent the commands, in the order of the log.
-- gives   at most :page rows, after the number given
-- locks   none
SELECT through_idx, after_idx, entries, sha256, leaf_id, at
FROM platform.command_anchor
WHERE through_idx > :after
ORDER BY through_idx
LIMIT :page;
