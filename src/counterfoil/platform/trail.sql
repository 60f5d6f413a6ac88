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
-- What happened, newest first, by what is known of it.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT trail_id, at, actor, role, source, act, outcome, customer_id, customer_ids, subject,
       purpose, ticket, reason, before, after
FROM platform.trail
WHERE trail_id < /*turns*/ :before
  AND (:actor::text IS NULL OR actor = :actor)
  AND (:act::text IS NULL OR act = :act)
  AND (:customer_id::bigint IS NULL OR customer_id = :customer_id
       OR customer_ids @> ARRAY[:customer_id])
  AND (:since::timestamptz IS NULL OR at >= :since)
  AND (:until::timestamptz IS NULL OR at < :until)
  AND (NOT :only_refused::boolean OR outcome <> 'done')
ORDER BY trail_id DESC /*turns*/
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
