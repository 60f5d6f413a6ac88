-- Recorded decisions beside what their subject says of them, an application or a request for a
-- higher limit, to decide them again.

-- name: recorded_page
-- Decisions of the policies with their subjects' own columns, in the order of their keys.
-- gives   at most :page rows, after the key given; of one subject where its number is given
-- locks   none
SELECT said.customer_id, said.subject_id AS application_id, said.decision_no, said.decided_by,
       said.outcome, said.policy_hash, said.inputs, said.result, said.decided_at,
       coalesce(application.grade, asked.grade) AS grade,
       coalesce(application.points, asked.points) AS points,
       coalesce(application.limit_minor, asked.limit_minor) AS limit_minor,
       coalesce(application.rate_daily_e8, asked.rate_daily_e8) AS rate_daily_e8
FROM decisioning.recorded_decision AS said
LEFT JOIN decisioning.application AS application
  ON application.customer_id = said.customer_id AND application.application_id = said.subject_id
 AND said.about = 'application' AND application.customer_id >= :customer_id
LEFT JOIN decisioning.limit_request AS asked
  ON asked.customer_id = said.customer_id AND asked.request_id = said.subject_id
 AND said.about = 'limit_request' AND asked.customer_id >= :customer_id
WHERE (said.customer_id, said.subject_id, said.decision_no)
      > (:customer_id, :application_id, :decision_no)
  AND (:only_application::bigint IS NULL OR said.subject_id = :only_application)
ORDER BY said.customer_id, said.subject_id, said.decision_no
LIMIT :page;

-- name: recorded_count
-- How many decisions are recorded, of one subject or of all.
-- gives   one row
-- locks   none
SELECT count(*)
FROM decisioning.recorded_decision AS said
WHERE :only_application::bigint IS NULL OR said.subject_id = :only_application;
