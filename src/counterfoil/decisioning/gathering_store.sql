-- Applications that still gather, and their decision when everything is there.

-- name: add_gathering_applications
-- New applications of which something has to be asked first.
-- locks   none but its rows
INSERT INTO decisioning.application (
    customer_id, application_id, product_code, product_version, currency, requested_minor,
    purpose, status, received_at, channel
)
SELECT given.customer_id, given.application_id, :product_code, :product_version, :currency,
       given.requested_minor, given.purpose, 'gathering', :received_at, given.channel
FROM unnest(
    :customer_ids::bigint[], :application_ids::bigint[], :requested_minor::bigint[],
    :purposes::text[], :channels::text[]
) AS given (customer_id, application_id, requested_minor, purpose, channel);

-- name: add_gatherings
-- What they were asked with.
-- locks   the applications, shared
INSERT INTO decisioning.gathering (
    customer_id, application_id, consent_id, inputs, idempotency_key, request_hash, began_at
)
SELECT given.customer_id, given.application_id, given.consent_id, given.inputs,
       given.idempotency_key, given.request_hash, :began_at
FROM unnest(
    :customer_ids::bigint[], :application_ids::bigint[], :consent_ids::bigint[], :inputs::text[],
    :idempotency_keys::text[], :request_hashes::bytea[]
) AS given (customer_id, application_id, consent_id, inputs, idempotency_key, request_hash);

-- name: gathering_of_key
-- What a customer's request under a key still gathers for.
-- gives   at most one row
-- locks   none
SELECT customer_id, application_id, consent_id, inputs, idempotency_key, request_hash, began_at
FROM decisioning.gathering
WHERE customer_id = :customer_id AND idempotency_key = :idempotency_key;

-- name: gatherings_begun
-- What began to gather before an instant, oldest first.
-- gives   at most :page rows after the key given
-- locks   none
SELECT customer_id, application_id, consent_id, inputs, idempotency_key, request_hash, began_at
FROM decisioning.gathering
WHERE began_at < :began_before
  AND (began_at, customer_id, application_id)
      > (:after_began_at::timestamptz, :after_customer_id::bigint, :after_application_id::bigint)
ORDER BY began_at, customer_id, application_id
LIMIT :page;

-- name: decide_gathered
-- Decides applications that still gather; one that ended meanwhile stays as it is.
-- gives   the customers and applications decided
-- locks   those rows
UPDATE decisioning.application AS application
SET status = given.status, gathered_at = :gathered_at, decided_at = :decided_at::timestamptz,
    ended_at = CASE given.status WHEN 'declined' THEN :decided_at::timestamptz END,
    outcome = given.status, decided_by = :decided_by, grade = given.grade, points = given.points,
    limit_minor = given.limit_minor, rate_daily_e8 = given.rate_daily_e8,
    tenors_months = string_to_array(given.tenors_months, ',')::smallint[],
    reasons = string_to_array(given.reasons, ','), policy_hash = :policy_hash,
    policy_version = :policy_version, valid_until = given.valid_until,
    asks = string_to_array(given.asks, ',')
FROM unnest(
    :customer_ids::bigint[], :application_ids::bigint[], :statuses::text[], :grades::text[],
    :points::integer[], :limits_minor::bigint[], :rates_daily_e8::integer[],
    :tenors_months::text[], :reasons::text[], :valid_until::date[], :asks::text[]
) AS given (
    customer_id, application_id, status, grade, points, limit_minor, rate_daily_e8, tenors_months,
    reasons, valid_until, asks
)
WHERE application.customer_id = given.customer_id
  AND application.application_id = given.application_id
  AND application.status = 'gathering'
RETURNING application.customer_id, application.application_id;

-- name: end_gatherings
-- Forgets what was asked with: the record of the decision holds it now.
-- locks   its rows
DELETE FROM decisioning.gathering AS gathering
USING unnest(:customer_ids::bigint[], :application_ids::bigint[])
    AS given (customer_id, application_id)
WHERE gathering.customer_id = given.customer_id
  AND gathering.application_id = given.application_id;

-- name: remove_gathering_application
-- Takes back an application for which nobody was asked and nothing was decided.
-- locks   its row
DELETE FROM decisioning.application
WHERE customer_id = :customer_id AND application_id = :application_id AND status = 'gathering';

-- name: add_gathered_decisions
-- Decisions of one policy version on applications that had gathered; nothing ever changes them.
-- locks   the applications, shared
INSERT INTO decisioning.decision (
    customer_id, application_id, decision_no, decided_by, outcome, policy_hash, inputs, result,
    decided_at
)
SELECT given.customer_id, given.application_id, 1, :decided_by, given.outcome, :policy_hash,
       given.inputs, given.result, :decided_at
FROM unnest(
    :customer_ids::bigint[], :application_ids::bigint[], :outcomes::text[], :inputs::text[],
    :results::text[]
) AS given (customer_id, application_id, outcome, inputs, result);
