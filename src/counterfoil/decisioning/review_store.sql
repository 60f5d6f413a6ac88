-- Requests for review by a person, what was done with them, and what they say about policies.

-- name: add_review
-- A new request; a decision that is being reviewed already, or was, keeps its first one. Where all
-- before were taken back there may be another one.
-- gives   the number where it was written, no row where there was one
-- locks   none but its row
INSERT INTO decisioning.review (
    customer_id, review_id, about, subject_id, decision_no, outcome, policy_hash, policy_version,
    said, requested_at, requested_by, due_on, round
)
SELECT :customer_id, :review_id::bigint, :about, :subject_id::bigint, :decision_no::smallint,
       :outcome, :policy_hash, :policy_version, :said, :requested_at::timestamptz, :requested_by,
       :due_on::date, 1 + count(*)
FROM decisioning.review AS r
WHERE r.customer_id = :customer_id AND r.about = :about AND r.subject_id = :subject_id
  AND r.decision_no = :decision_no
HAVING bool_and(EXISTS (
    SELECT 1 FROM decisioning.review_event AS e
    WHERE e.customer_id = r.customer_id AND e.review_id = r.review_id AND e.act = 'withdrawn'
)) IS NOT FALSE
ON CONFLICT ON CONSTRAINT review_once DO NOTHING
RETURNING review_id;

-- name: review_of_decision
-- The latest review of one decision; those before it were taken back.
-- gives   at most one row
-- locks   none
SELECT customer_id, review_id, about, subject_id, decision_no, outcome, policy_hash,
       policy_version, said, requested_at, requested_by, due_on
FROM decisioning.review
WHERE customer_id = :customer_id AND about = :about AND subject_id = :subject_id
  AND decision_no = :decision_no
ORDER BY round DESC
LIMIT 1;

-- name: review
-- One review of one customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, review_id, about, subject_id, decision_no, outcome, policy_hash,
       policy_version, said, requested_at, requested_by, due_on
FROM decisioning.review
WHERE customer_id = :customer_id AND review_id = :review_id;

-- name: review_locked
-- One review, to go on with it.
-- gives   at most one row
-- locks   the row
SELECT customer_id, review_id, about, subject_id, decision_no, outcome, policy_hash,
       policy_version, said, requested_at, requested_by, due_on
FROM decisioning.review
WHERE customer_id = :customer_id AND review_id = :review_id
FOR UPDATE;

-- name: review_events
-- What was done with some reviews, in order.
-- gives   a row a thing done
-- locks   none
SELECT event.customer_id, event.review_id, event.event_no, event.act, event.person, event.reason,
       event.at
FROM decisioning.review_event AS event
JOIN unnest(:customer_ids::bigint[], :review_ids::bigint[]) AS wanted (customer_id, review_id)
  ON wanted.customer_id = event.customer_id AND wanted.review_id = event.review_id
ORDER BY event.customer_id, event.review_id, event.event_no;

-- name: add_review_event
-- One more thing that was done.
-- locks   the review, shared
INSERT INTO decisioning.review_event (
    customer_id, review_id, event_no, act, person, reason, at
)
VALUES (:customer_id, :review_id, :event_no, :act, :person, :reason, :at);

-- name: reviews_open
-- The queue: what nobody has concluded yet, the nearest deadline first.
-- gives   at most :page rows, after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT r.customer_id, r.review_id, r.about, r.subject_id, r.decision_no, r.outcome,
       r.policy_hash, r.policy_version, r.said, r.requested_at, r.requested_by, r.due_on
FROM decisioning.review AS r
WHERE (r.due_on, r.review_id) > /*turns*/ (:after_due_on::date, :after_review_id::bigint)
  AND NOT EXISTS (
      SELECT 1 FROM decisioning.review_event AS e
      WHERE e.customer_id = r.customer_id AND e.review_id = r.review_id
        AND e.act IN ('upheld', 'overturned', 'withdrawn')
  )
ORDER BY r.due_on ASC /*turns*/, r.review_id ASC /*turns*/
LIMIT :page;

-- name: reviews_page
-- Reviews, concluded ones too, newest first.
-- gives   at most :page rows
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, review_id, about, subject_id, decision_no, outcome, policy_hash,
       policy_version, said, requested_at, requested_by, due_on
FROM decisioning.review
WHERE review_id < /*turns*/ :before
ORDER BY review_id DESC /*turns*/
LIMIT :page;

-- name: reviews_of_customer
-- The reviews that one customer asked for, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, review_id, about, subject_id, decision_no, outcome, policy_hash,
       policy_version, said, requested_at, requested_by, due_on
FROM decisioning.review
WHERE customer_id = :customer_id
  AND review_id < /*turns*/ :before
ORDER BY review_id DESC /*turns*/
LIMIT :page;

-- name: reviews_counted
-- What became of what was contested in a span, reviews and appeals alike, by the version that had
-- decided. Hours run from the request to the conclusion by a person; the percentile is one of a
-- case.
-- gives   a row a version and kind
-- locks   none
SELECT c.policy_hash, c.policy_version, c.about,
       count(*) AS requested,
       count(*) FILTER (WHERE c.act = 'upheld') AS upheld,
       count(*) FILTER (WHERE c.act = 'overturned') AS overturned,
       count(*) FILTER (WHERE c.act = 'withdrawn') AS withdrawn,
       count(*) FILTER (WHERE c.act IS NULL) AS open,
       count(*) FILTER (WHERE c.act IS NULL AND c.due_on < :on) AS overdue,
       count(*) FILTER (WHERE c.act IN ('upheld', 'overturned')
           AND (c.ended_at AT TIME ZONE 'UTC')::date > c.due_on) AS late,
       percentile_disc(0.50) WITHIN GROUP (
           ORDER BY extract(epoch FROM c.ended_at - c.requested_at)::bigint
       ) FILTER (WHERE c.act IN ('upheld', 'overturned')) AS median_seconds,
       percentile_disc(0.95) WITHIN GROUP (
           ORDER BY extract(epoch FROM c.ended_at - c.requested_at)::bigint
       ) FILTER (WHERE c.act IN ('upheld', 'overturned')) AS p95_seconds
FROM decisioning.contested AS c
WHERE c.requested_at >= :requested_from AND c.requested_at < :requested_before
GROUP BY c.policy_hash, c.policy_version, c.about
ORDER BY c.policy_version, c.about;

-- name: review_load
-- How much waits, and how much of it beyond its deadline.
-- gives   one row
-- locks   none
SELECT count(*) AS open, count(*) FILTER (WHERE r.due_on < :on) AS overdue
FROM decisioning.review AS r
WHERE NOT EXISTS (
    SELECT 1 FROM decisioning.review_event AS e
    WHERE e.customer_id = r.customer_id AND e.review_id = r.review_id
      AND e.act IN ('upheld', 'overturned', 'withdrawn')
);

-- name: add_policy_reviews
-- Versions of which at least :reviewed_min decisions were reviewed, and more than the threshold
-- overturned; one that is looked at again already stays as it was found.
-- gives   the versions found new
-- locks   none but its rows
INSERT INTO decisioning.policy_review (
    policy_hash, policy_version, reviewed, overturned, threshold_ppm, opened_at
)
SELECT c.policy_hash, min(c.policy_version), count(*),
       count(*) FILTER (WHERE c.act = 'overturned'), :threshold_ppm::integer, :opened_at
FROM decisioning.contested AS c
WHERE c.act IN ('upheld', 'overturned')
GROUP BY c.policy_hash
HAVING count(*) >= :reviewed_min
   AND count(*) FILTER (WHERE c.act = 'overturned') * 1000000::bigint
       > :threshold_ppm::integer * count(*)
ON CONFLICT (policy_hash) DO NOTHING
RETURNING policy_version;

-- name: policy_reviews
-- Versions that are or were looked at again, newest first, with how the look ended.
-- gives   one row a version
-- locks   none
SELECT p.policy_hash, p.policy_version, p.reviewed, p.overturned, p.threshold_ppm, p.opened_at,
       e.conclusion, e.reason, e.ended_by, e.ended_at
FROM decisioning.policy_review AS p
LEFT JOIN decisioning.policy_review_end AS e ON e.policy_hash = p.policy_hash
ORDER BY p.opened_at DESC, p.policy_hash DESC;

-- name: end_policy_review
-- How a look at a version ended; one that has ended stays as it ended.
-- gives   one row where it was written
-- locks   none but its row
INSERT INTO decisioning.policy_review_end (policy_hash, conclusion, reason, ended_by, ended_at)
VALUES (:policy_hash, :conclusion, :reason, :ended_by, :ended_at)
ON CONFLICT (policy_hash) DO NOTHING
RETURNING 1;

-- name: authors_of_version
-- Who wrote a version that was published.
-- gives   a row a publication
-- locks   none
SELECT DISTINCT author
FROM decisioning.policy_publication
WHERE policy_hash = :policy_hash;
