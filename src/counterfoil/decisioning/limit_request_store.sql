-- Requests for a higher limit, and the decisions on them.

-- name: add_requests
-- New requests; one whose line has an open one already, or whose key was used, is left out.
-- gives   the requests that were written
-- locks   none but its rows
INSERT INTO decisioning.limit_request (
    customer_id, request_id, line_id, product_code, product_version, currency, present_minor,
    contract_id, agreement_sha256, line_rate_daily_e8, requested_minor, status, consent_id, inputs,
    idempotency_key, request_hash, received_at
)
SELECT given.customer_id, given.request_id, given.line_id, given.product_code,
       given.product_version, given.currency, given.present_minor, given.contract_id,
       given.agreement_sha256, given.line_rate_daily_e8, given.requested_minor, 'gathering',
       given.consent_id, given.inputs, given.idempotency_key, given.request_hash, :received_at
FROM unnest(
    :customer_ids::bigint[], :request_ids::bigint[], :line_ids::bigint[], :product_codes::text[],
    :product_versions::integer[], :currencies::text[], :present_minor::bigint[],
    :contract_ids::bigint[], :agreements::bytea[], :line_rates::integer[],
    :requested_minor::bigint[], :consent_ids::bigint[], :inputs::text[],
    :idempotency_keys::text[], :request_hashes::bytea[]
) AS given (
    customer_id, request_id, line_id, product_code, product_version, currency, present_minor,
    contract_id, agreement_sha256, line_rate_daily_e8, requested_minor, consent_id, inputs,
    idempotency_key, request_hash
)
ON CONFLICT DO NOTHING
RETURNING customer_id, request_id;

-- name: requests_of_keys
-- The requests that customers made under keys.
-- gives   at most one row a key
-- locks   none
SELECT r.customer_id, r.request_id, r.line_id, r.product_code, r.product_version, r.currency,
       r.present_minor, r.contract_id, r.agreement_sha256, r.line_rate_daily_e8,
       r.requested_minor, r.status, r.consent_id, r.inputs, r.idempotency_key, r.request_hash,
       r.received_at, r.decided_at, r.ended_at, r.outcome, r.decided_by, r.decision_reason,
       r.grade, r.points, r.limit_minor, r.rate_daily_e8, r.reasons, r.policy_hash,
       r.policy_version, r.valid_until, r.amendment_ref, r.agreed
FROM unnest(:customer_ids::bigint[], :idempotency_keys::text[]) AS k (customer_id, key)
JOIN decisioning.limit_request AS r
  ON r.customer_id = k.customer_id AND r.idempotency_key = k.key;

-- name: requests_locked
-- Some requests, to be changed.
-- gives   at most one row for each position of the arrays
-- locks   the rows, in the order of their keys
SELECT r.customer_id, r.request_id, r.line_id, r.product_code, r.product_version, r.currency,
       r.present_minor, r.contract_id, r.agreement_sha256, r.line_rate_daily_e8,
       r.requested_minor, r.status, r.consent_id, r.inputs, r.idempotency_key, r.request_hash,
       r.received_at, r.decided_at, r.ended_at, r.outcome, r.decided_by, r.decision_reason,
       r.grade, r.points, r.limit_minor, r.rate_daily_e8, r.reasons, r.policy_hash,
       r.policy_version, r.valid_until, r.amendment_ref, r.agreed
FROM decisioning.limit_request AS r
JOIN unnest(:customer_ids::bigint[], :request_ids::bigint[]) AS k (customer_id, request_id)
  ON k.customer_id = r.customer_id AND k.request_id = r.request_id
ORDER BY r.customer_id, r.request_id
FOR UPDATE OF r;

-- name: request
-- One request of one customer.
-- gives   at most one row
-- locks   none
SELECT r.customer_id, r.request_id, r.line_id, r.product_code, r.product_version, r.currency,
       r.present_minor, r.contract_id, r.agreement_sha256, r.line_rate_daily_e8,
       r.requested_minor, r.status, r.consent_id, r.inputs, r.idempotency_key, r.request_hash,
       r.received_at, r.decided_at, r.ended_at, r.outcome, r.decided_by, r.decision_reason,
       r.grade, r.points, r.limit_minor, r.rate_daily_e8, r.reasons, r.policy_hash,
       r.policy_version, r.valid_until, r.amendment_ref, r.agreed
FROM decisioning.limit_request AS r
WHERE r.customer_id = :customer_id AND r.request_id = :request_id;

-- name: requests_of_line
-- The requests for one line, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT r.customer_id, r.request_id, r.line_id, r.product_code, r.product_version, r.currency,
       r.present_minor, r.contract_id, r.agreement_sha256, r.line_rate_daily_e8,
       r.requested_minor, r.status, r.consent_id, r.inputs, r.idempotency_key, r.request_hash,
       r.received_at, r.decided_at, r.ended_at, r.outcome, r.decided_by, r.decision_reason,
       r.grade, r.points, r.limit_minor, r.rate_daily_e8, r.reasons, r.policy_hash,
       r.policy_version, r.valid_until, r.amendment_ref, r.agreed
FROM decisioning.limit_request AS r
WHERE r.customer_id = :customer_id AND r.line_id = :line_id
  AND r.request_id < /*turns*/ :before
ORDER BY r.request_id DESC /*turns*/
LIMIT :page;

-- name: requests_gathering
-- What began to gather before an instant, oldest first.
-- gives   at most :page rows after the key given
-- locks   none
SELECT r.customer_id, r.request_id, r.line_id, r.product_code, r.product_version, r.currency,
       r.present_minor, r.contract_id, r.agreement_sha256, r.line_rate_daily_e8,
       r.requested_minor, r.status, r.consent_id, r.inputs, r.idempotency_key, r.request_hash,
       r.received_at, r.decided_at, r.ended_at, r.outcome, r.decided_by, r.decision_reason,
       r.grade, r.points, r.limit_minor, r.rate_daily_e8, r.reasons, r.policy_hash,
       r.policy_version, r.valid_until, r.amendment_ref, r.agreed
FROM decisioning.limit_request AS r
WHERE r.status = 'gathering' AND r.received_at < :received_before
  AND (r.received_at, r.customer_id, r.request_id)
      > (:after_received_at::timestamptz, :after_customer_id::bigint, :after_request_id::bigint)
ORDER BY r.received_at, r.customer_id, r.request_id
LIMIT :page;

-- name: change_requests
-- Moves requests on; what was asked for stays as it is.
-- gives   one row a request that was changed
-- locks   the rows
UPDATE decisioning.limit_request AS r
SET status = given.status, decided_at = given.decided_at, ended_at = given.ended_at,
    outcome = given.outcome, decided_by = given.decided_by,
    decision_reason = given.decision_reason, grade = given.grade, points = given.points,
    limit_minor = given.limit_minor, rate_daily_e8 = given.rate_daily_e8,
    reasons = string_to_array(given.reasons, ','), policy_hash = given.policy_hash,
    policy_version = given.policy_version, valid_until = given.valid_until,
    amendment_ref = given.amendment_ref, agreed = given.agreed
FROM unnest(
    :customer_ids::bigint[], :request_ids::bigint[], :statuses::text[],
    :decided_at::timestamptz[], :ended_at::timestamptz[], :outcomes::text[], :decided_by::text[],
    :decision_reasons::text[], :grades::text[], :points::integer[], :limits_minor::bigint[],
    :rates_daily_e8::integer[], :reasons::text[], :policy_hashes::text[],
    :policy_versions::text[], :valid_until::date[], :amendment_refs::text[], :agreed::text[]
) AS given (
    customer_id, request_id, status, decided_at, ended_at, outcome, decided_by, decision_reason,
    grade, points, limit_minor, rate_daily_e8, reasons, policy_hash, policy_version, valid_until,
    amendment_ref, agreed
)
WHERE r.customer_id = given.customer_id AND r.request_id = given.request_id
RETURNING r.customer_id, r.request_id;

-- name: add_limit_decisions
-- Decisions with their inputs and results; nothing ever changes them.
-- locks   the requests, shared
INSERT INTO decisioning.limit_decision (
    customer_id, request_id, decision_no, decided_by, outcome, policy_hash, inputs, result,
    decided_at
)
SELECT given.customer_id, given.request_id, 1, :decided_by, given.outcome, given.policy_hash,
       given.inputs, given.result, :decided_at
FROM unnest(
    :customer_ids::bigint[], :request_ids::bigint[], :outcomes::text[], :policy_hashes::text[],
    :inputs::text[], :results::text[]
) AS given (customer_id, request_id, outcome, policy_hash, inputs, result);

-- name: add_person_limit_decision
-- A person's decision on a referred request, beside what the policy said.
-- gives   the policy's record that it stands on
-- locks   the request, shared
INSERT INTO decisioning.limit_decision (
    customer_id, request_id, decision_no, decided_by, outcome, policy_hash, inputs, result,
    reason, decided_at
)
SELECT said.customer_id, said.request_id, said.decision_no + 1, :decided_by, :outcome,
       said.policy_hash, said.inputs, said.result, :reason, :decided_at
FROM decisioning.limit_decision AS said
WHERE said.customer_id = :customer_id AND said.request_id = :request_id
ORDER BY said.decision_no DESC
LIMIT 1
RETURNING policy_hash, inputs, result;

-- name: add_limit_decision_again
-- One more decision on a request, on inputs of its own, beside those before.
-- locks   the request, shared
INSERT INTO decisioning.limit_decision (
    customer_id, request_id, decision_no, decided_by, outcome, policy_hash, inputs, result,
    reason, decided_at
)
SELECT :customer_id, :request_id, max(said.decision_no) + 1, :decided_by, :outcome,
       :policy_hash, :inputs, :result, :reason, :decided_at
FROM decisioning.limit_decision AS said
WHERE said.customer_id = :customer_id AND said.request_id = :request_id;

-- name: decisions_of_request
-- All decisions on one request, in their order.
-- gives   a row a decision
-- locks   none
SELECT decision_no, decided_by, outcome, policy_hash, inputs, result, reason, decided_at
FROM decisioning.limit_decision
WHERE customer_id = :customer_id AND request_id = :request_id
ORDER BY decision_no;

-- name: remove_requests
-- Takes back requests for which nobody was asked and nothing was decided.
-- locks   its rows
DELETE FROM decisioning.limit_request AS r
USING unnest(:customer_ids::bigint[], :request_ids::bigint[]) AS k (customer_id, request_id)
WHERE r.customer_id = k.customer_id AND r.request_id = k.request_id AND r.status = 'gathering';

-- name: expire_requests
-- Ends requests whose offer was valid before a business date only, and those that waited too long.
-- gives   the customers and requests ended, at most :page
-- locks   those rows; rows that somebody else holds are left for the next time
WITH due AS (
    SELECT customer_id, request_id
    FROM decisioning.limit_request
    WHERE (status IN ('approved', 'referred') AND valid_until < :business_date)
       OR (status IN ('gathering', 'referred') AND received_at < :received_before)
    ORDER BY request_id
    LIMIT :page
    FOR UPDATE SKIP LOCKED
)
UPDATE decisioning.limit_request AS r
SET status = 'expired', ended_at = :ended_at
FROM due
WHERE r.customer_id = due.customer_id AND r.request_id = due.request_id
RETURNING r.customer_id, r.request_id;
