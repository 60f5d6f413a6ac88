-- Recorded decisions beside what the application says of them, to decide them again.

-- name: recorded_page
-- Decisions of the policy with the application's own columns, in the order of their keys.
-- gives   at most :page rows, after the key given; of one application where its number is given
-- locks   none
SELECT said.customer_id, said.application_id, said.decision_no, said.decided_by, said.outcome,
       said.policy_hash, said.inputs, said.result, said.decided_at,
       application.grade, application.points, application.limit_minor, application.rate_daily_e8
FROM decisioning.decision AS said
JOIN decisioning.application AS application
  ON application.customer_id = said.customer_id
 AND application.application_id = said.application_id
WHERE (said.customer_id, said.application_id, said.decision_no)
      > (:customer_id, :application_id, :decision_no)
  AND (:only_application::bigint IS NULL OR application.application_id = :only_application)
ORDER BY said.customer_id, said.application_id, said.decision_no
LIMIT :page;

-- name: recorded_count
-- How many decisions are recorded, of one application or of all.
-- gives   one row
-- locks   none
SELECT count(*)
FROM decisioning.decision AS said
WHERE :only_application::bigint IS NULL OR said.application_id = :only_application;
