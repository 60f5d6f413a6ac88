-- What decisions on customers read, for whoever follows a datum forwards or back.

-- name: decisions_of_customers
-- The policies' own decisions on customers.
-- gives   one row a decision, oldest first
-- locks   none
SELECT customer_id, subject_id, decision_no, about, outcome, policy_hash, inputs, result, decided_at
FROM decisioning.recorded_decision
WHERE customer_id = ANY (:customer_ids::bigint[]) AND decided_by = :decided_by
ORDER BY customer_id, decided_at, subject_id, decision_no;

-- name: policy_documents
-- The canonical documents of versions.
-- gives   at most one row a version
-- locks   none
SELECT policy_hash, document
FROM decisioning.policy_version
WHERE policy_hash = ANY (:policy_hashes::text[])
ORDER BY policy_hash;

-- name: decisions_reading
-- Decisions whose inputs held a value of a feature, by versions of policies.
-- gives   at most :page rows behind the key given
-- locks   none
SELECT customer_id, subject_id, decision_no, about, outcome, policy_hash, inputs, result, decided_at
FROM decisioning.recorded_decision
WHERE policy_hash = ANY (:policy_hashes::text[]) AND decided_by = :decided_by
  AND inputs::jsonb -> 'features' -> :name::text <> 'null'::jsonb
  AND (customer_id, subject_id, decision_no) > (:customer_id, :subject_id, :decision_no)
ORDER BY customer_id, subject_id, decision_no
LIMIT :page;

-- name: versions
-- Every version that ever decided.
-- gives   one row a version
-- locks   none
SELECT policy_hash, document
FROM decisioning.policy_version
ORDER BY policy_hash;

-- name: applications_behind
-- Applications received in a span, with their last decision: what reports on applications count.
-- gives   at most :page rows behind the key given
-- locks   none
SELECT a.customer_id, a.application_id, last.decision_no, last.policy_hash
FROM decisioning.application AS a
LEFT JOIN LATERAL (
    SELECT d.decision_no, d.policy_hash
    FROM decisioning.decision AS d
    WHERE d.customer_id = a.customer_id AND d.application_id = a.application_id
    ORDER BY d.decision_no DESC
    LIMIT 1
) AS last ON true
WHERE a.received_at >= :received_from AND a.received_at < :received_before
  AND (a.customer_id, a.application_id) > (:customer_id, :application_id)
ORDER BY a.customer_id, a.application_id
LIMIT :page;

-- name: months_of_applications
-- The months, by UTC, in which applications were received; what is no application is not there.
-- gives   one row an application
-- locks   none
SELECT date_trunc('month', a.received_at AT TIME ZONE 'UTC')::date AS month
FROM unnest(:customer_ids::bigint[], :application_ids::bigint[])
     AS given (customer_id, application_id)
JOIN decisioning.application AS a
  ON a.customer_id = given.customer_id AND a.application_id = given.application_id
ORDER BY month;

-- name: decisions_lately
-- Decisions by versions of policies, back from the last key: numbers of subjects grow with time
-- within a customer, and those of customers do across them.
-- gives   at most :page rows before the key given
-- locks   none
SELECT customer_id, subject_id, decision_no, about, outcome, policy_hash, inputs, result, decided_at
FROM decisioning.recorded_decision
WHERE policy_hash = ANY (:policy_hashes::text[]) AND decided_by = :decided_by
  AND (:is_first
       OR (customer_id, subject_id, decision_no) < (:customer_id, :subject_id, :decision_no))
ORDER BY customer_id DESC, subject_id DESC, decision_no DESC
LIMIT :page;

-- name: lines_of_requests
-- The lines that requests for a higher limit are about.
-- gives   at most one row a request
-- locks   none
SELECT request.customer_id, request.request_id, request.line_id
FROM decisioning.limit_request AS request
JOIN unnest(:customer_ids::bigint[], :request_ids::bigint[]) AS wanted (customer_id, request_id)
  ON wanted.customer_id = request.customer_id AND wanted.request_id = request.request_id;
