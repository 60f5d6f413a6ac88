-- What customers contested, whatever it is called: reviews of decisions, appeals against what a
-- policy took from a line. By the version that had decided.
SET LOCAL lock_timeout = '3s';

CREATE VIEW decisioning.contested AS
SELECT r.customer_id, r.policy_hash, r.policy_version, r.about, r.requested_at, r.due_on,
       ended.act, ended.at AS ended_at
FROM decisioning.review AS r
LEFT JOIN decisioning.review_event AS ended
  ON ended.customer_id = r.customer_id AND ended.review_id = r.review_id
 AND ended.act IN ('upheld', 'overturned', 'withdrawn')
UNION ALL
SELECT a.customer_id, v.policy_hash, v.policy_version, 'line_measure', a.received_at, a.due_on,
       CASE a.status
           WHEN 'lifted' THEN 'overturned'
           WHEN 'undone' THEN 'overturned'
           WHEN 'rejected' THEN 'upheld'
           WHEN 'withdrawn' THEN 'withdrawn'
       END,
       a.decided_at
FROM decisioning.line_appeal AS a
JOIN decisioning.line_measure AS m
  ON m.customer_id = a.customer_id AND m.measure_id = a.measure_id
-- What a person took is no policy's.
JOIN decisioning.line_review AS v
  ON v.customer_id = m.customer_id AND v.review_id = m.review_id;

-- How the look at a version ended that was overturned too often.
CREATE TABLE decisioning.policy_review_end (
    policy_hash  text        NOT NULL,
    conclusion   text        NOT NULL,
    reason       text        NOT NULL,
    ended_by     text        NOT NULL,
    ended_at     timestamptz NOT NULL,
    CONSTRAINT policy_review_end_pkey PRIMARY KEY (policy_hash),
    CONSTRAINT policy_review_end_of_a_look FOREIGN KEY (policy_hash)
        REFERENCES decisioning.policy_review (policy_hash),
    CONSTRAINT policy_review_end_is_known CHECK (conclusion IN ('kept', 'changed')),
    CONSTRAINT policy_review_end_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER policy_review_end_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.policy_review_end
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();
