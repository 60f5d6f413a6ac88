-- Policy versions, applications, decisions.

-- name: add_policy_version
-- Keeps a version that is about to decide; one that is kept already stays as it is.
-- locks   none but its row
INSERT INTO decisioning.policy_version (policy_hash, code, version, document, first_used_at)
VALUES (:policy_hash, :code, :version, :document, :first_used_at)
ON CONFLICT (policy_hash) DO NOTHING;

-- name: policy_document
-- The canonical document of a version.
-- gives   at most one row
-- locks   none
SELECT document
FROM decisioning.policy_version
WHERE policy_hash = :policy_hash;

-- name: policy_models
-- The models behind versions; a version that carries its card itself is its own model.
-- gives   one row a version
-- locks   none
SELECT policy_hash,
       coalesce(document::jsonb #>> '{model,sha256}', policy_hash) AS model_sha256
FROM decisioning.policy_version
WHERE policy_hash = ANY (:policy_hashes::text[])
ORDER BY policy_hash;

-- name: add_decided
-- New applications for one product with the decisions of one policy version on them, the version
-- itself where it never decided before; the forms that they were filled in on are forgotten.
-- locks   the forms
WITH version AS (
    INSERT INTO decisioning.policy_version (policy_hash, code, version, document, first_used_at)
    VALUES (:policy_hash, :policy_code, :policy_version, :document, :first_used_at)
    ON CONFLICT (policy_hash) DO NOTHING
), given AS (
    SELECT *
    FROM unnest(
        :customer_ids::bigint[], :application_ids::bigint[], :requested_minor::bigint[],
        :purposes::text[], :statuses::text[], :grades::text[], :points::integer[],
        :limits_minor::bigint[], :rates_daily_e8::integer[], :tenors_months::text[],
        :reasons::text[], :valid_until::date[], :channels::text[], :asks::text[],
        :inputs::text[], :results::text[]
    ) AS row (
        customer_id, application_id, requested_minor, purpose, status, grade, points, limit_minor,
        rate_daily_e8, tenors_months, reasons, valid_until, channel, asks, inputs, result
    )
), form AS (
    DELETE FROM decisioning.application_draft AS draft
    USING given
    WHERE draft.customer_id = given.customer_id AND draft.product_code = :product_code
), application AS (
    INSERT INTO decisioning.application (
        customer_id, application_id, product_code, product_version, currency, requested_minor,
        purpose, status, received_at, gathered_at, decided_at, ended_at, outcome, decided_by, grade,
        points, limit_minor, rate_daily_e8, tenors_months, reasons, policy_hash, policy_version,
        valid_until, channel, asks
    )
    SELECT given.customer_id, given.application_id, :product_code, :product_version, :currency,
           given.requested_minor, given.purpose, given.status, :received_at, :gathered_at,
           :decided_at::timestamptz,
           CASE given.status WHEN 'declined' THEN :decided_at::timestamptz END, given.status,
           :decided_by, given.grade, given.points, given.limit_minor, given.rate_daily_e8,
           string_to_array(given.tenors_months, ',')::smallint[],
           string_to_array(given.reasons, ','), :policy_hash, :policy_version, given.valid_until,
           given.channel, string_to_array(given.asks, ',')
    FROM given
)
INSERT INTO decisioning.decision (
    customer_id, application_id, decision_no, decided_by, outcome, policy_hash, inputs, result,
    decided_at
)
SELECT given.customer_id, given.application_id, 1, :decided_by, given.status, :policy_hash,
       given.inputs, given.result, :decided_at
FROM given;

-- name: add_person_decision
-- A person's decision on a referred application, beside what the policy said.
-- gives   the policy's record that it stands on
-- locks   the application, shared
INSERT INTO decisioning.decision (
    customer_id, application_id, decision_no, decided_by, outcome, policy_hash, inputs, result,
    reason, decided_at
)
SELECT said.customer_id, said.application_id, said.decision_no + 1, :decided_by, :outcome,
       said.policy_hash, said.inputs, said.result, :reason, :decided_at
FROM decisioning.decision AS said
WHERE said.customer_id = :customer_id AND said.application_id = :application_id
ORDER BY said.decision_no DESC
LIMIT 1
RETURNING policy_hash, inputs, result;

-- name: application
-- One application of one customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, application_id, product_code, product_version, currency, requested_minor,
       purpose, status, received_at, gathered_at, decided_at, ended_at, outcome, decided_by,
       decision_reason, grade, points, limit_minor, rate_daily_e8, tenors_months, reasons, policy_hash,
       policy_version, valid_until, line_id, channel, asks
FROM decisioning.application
WHERE customer_id = :customer_id AND application_id = :application_id;

-- name: applications_locked
-- Some applications, to be changed.
-- gives   at most one row for each position of the arrays
-- locks   the rows, in the order of their keys
SELECT application.customer_id, application.application_id, application.product_code,
       application.product_version, application.currency, application.requested_minor,
       application.purpose, application.status, application.received_at,
       application.gathered_at, application.decided_at, application.ended_at, application.outcome,
       application.decided_by, application.decision_reason, application.grade,
       application.points, application.limit_minor, application.rate_daily_e8,
       application.tenors_months, application.reasons, application.policy_hash,
       application.policy_version, application.valid_until, application.line_id,
       application.channel, application.asks
FROM decisioning.application AS application
JOIN unnest(:customer_ids::bigint[], :application_ids::bigint[])
    AS wanted (customer_id, application_id)
  ON wanted.customer_id = application.customer_id
 AND wanted.application_id = application.application_id
ORDER BY application.customer_id, application.application_id
FOR UPDATE OF application;

-- name: applications_of_customer
-- The applications of one customer, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, application_id, product_code, product_version, currency, requested_minor,
       purpose, status, received_at, gathered_at, decided_at, ended_at, outcome, decided_by,
       decision_reason, grade, points, limit_minor, rate_daily_e8, tenors_months, reasons, policy_hash,
       policy_version, valid_until, line_id, channel, asks
FROM decisioning.application
WHERE customer_id = :customer_id
  AND application_id < /*turns*/ :before
ORDER BY application_id DESC /*turns*/
LIMIT :page;

-- name: applications_page
-- Applications of all customers from the newest back; of one status, or of every status.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, application_id, product_code, product_version, currency, requested_minor,
       purpose, status, received_at, gathered_at, decided_at, ended_at, outcome, decided_by,
       decision_reason, grade, points, limit_minor, rate_daily_e8, tenors_months, reasons, policy_hash,
       policy_version, valid_until, line_id, channel, asks
FROM decisioning.application
WHERE application_id < /*turns*/ :before
  AND (:status::text IS NULL OR status = :status)
  AND (:products::text[] IS NULL OR product_code = ANY (:products))
ORDER BY application_id DESC /*turns*/
LIMIT :page;

-- name: change_applications
-- Moves applications on; what the policy said of limit and price stays as it is.
-- locks   the rows
UPDATE decisioning.application AS application
SET status = given.status, decided_at = given.decided_at, ended_at = given.ended_at,
    outcome = given.outcome, decided_by = given.decided_by,
    decision_reason = given.decision_reason, valid_until = given.valid_until,
    line_id = given.line_id
FROM unnest(
    :customer_ids::bigint[], :application_ids::bigint[], :statuses::text[],
    :decided_at::timestamptz[], :ended_at::timestamptz[], :outcomes::text[],
    :decided_by::text[], :decision_reasons::text[], :valid_until::date[], :line_ids::bigint[]
) AS given (
    customer_id, application_id, status, decided_at, ended_at, outcome, decided_by,
    decision_reason, valid_until, line_id
)
WHERE application.customer_id = given.customer_id
  AND application.application_id = given.application_id;

-- name: redecide_application
-- Puts another decision in the place of an application's present one, with all that comes of it.
-- locks   the row
UPDATE decisioning.application
SET status = :status, decided_at = :decided_at, ended_at = :ended_at, outcome = :outcome,
    decided_by = :decided_by, decision_reason = :decision_reason, grade = :grade,
    points = :points, limit_minor = :limit_minor, rate_daily_e8 = :rate_daily_e8,
    tenors_months = :tenors_months::smallint[], reasons = :reasons::text[],
    policy_hash = :policy_hash, policy_version = :policy_version, valid_until = :valid_until,
    asks = :asks::text[]
WHERE customer_id = :customer_id AND application_id = :application_id;

-- name: add_decision_again
-- One more decision on an application, on inputs of its own, beside those before.
-- gives   its number
-- locks   the application, shared
INSERT INTO decisioning.decision (
    customer_id, application_id, decision_no, decided_by, outcome, policy_hash, inputs, result,
    reason, decided_at
)
SELECT :customer_id, :application_id, max(said.decision_no) + 1, :decided_by, :outcome,
       :policy_hash, :inputs, :result, :reason, :decided_at
FROM decisioning.decision AS said
WHERE said.customer_id = :customer_id AND said.application_id = :application_id
RETURNING decision_no;

-- name: decisions_of_application
-- All decisions on one application, in their order.
-- gives   a row a decision
-- locks   none
SELECT decision_no, decided_by, outcome, policy_hash, inputs, result, reason, decided_at
FROM decisioning.decision
WHERE customer_id = :customer_id AND application_id = :application_id
ORDER BY decision_no;

-- name: expire_offers
-- Ends applications whose offer, taken by nobody or still before a person, was valid before a
-- business date only.
-- gives   the customers and applications ended, at most :page
-- locks   those rows; rows that somebody else holds are left for the next time
WITH due AS (
    SELECT customer_id, application_id
    FROM decisioning.application
    WHERE status IN ('approved', 'referred') AND valid_until < :business_date
    ORDER BY valid_until, application_id
    LIMIT :page
    FOR UPDATE SKIP LOCKED
)
UPDATE decisioning.application AS application
SET status = 'expired', ended_at = :ended_at
FROM due
WHERE application.customer_id = due.customer_id
  AND application.application_id = due.application_id
RETURNING application.customer_id, application.application_id;

-- name: expire_waiting
-- Ends applications that have waited for as long as their product lets them: those never decided,
-- and referrals without an offer, which no date of an offer ends.
-- gives   the customers and applications ended, at most :page
-- locks   those rows; rows that somebody else holds are left for the next time
WITH due AS (
    SELECT a.customer_id, a.application_id
    FROM decisioning.application AS a
    JOIN unnest(
        :product_codes::text[], :product_versions::integer[], :received_before::timestamptz[]
    ) AS product (code, version, received_before)
      ON product.code = a.product_code AND product.version = a.product_version
    WHERE (a.status IN ('received', 'gathering')
           OR (a.status = 'referred' AND a.valid_until IS NULL))
      AND a.received_at < product.received_before
    ORDER BY a.application_id
    LIMIT :page
    FOR UPDATE OF a SKIP LOCKED
)
UPDATE decisioning.application AS application
SET status = 'expired', ended_at = :ended_at
FROM due
WHERE application.customer_id = due.customer_id
  AND application.application_id = due.application_id
RETURNING application.customer_id, application.application_id;

-- name: decisions_page
-- Decisions of all customers in the order of their keys, to decide them again; those on requests
-- for a higher limit among them.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT customer_id, subject_id AS application_id, decision_no, decided_by, outcome, policy_hash,
       inputs, result
FROM decisioning.recorded_decision
WHERE (customer_id, subject_id, decision_no) > (:customer_id, :application_id, :decision_no)
ORDER BY customer_id, subject_id, decision_no
LIMIT :page;
