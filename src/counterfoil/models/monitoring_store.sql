-- What monitoring found of models, and which segments are held back.

-- name: add_monitoring
-- Figures of models and segments over a span.
-- locks   none but its rows
INSERT INTO models.monitoring (
    monitoring_id, model_sha256, segment, since, until, cases, level, document, owner, due_on,
    made_at
)
SELECT monitoring_id, :model_sha256, segment, :since, :until, cases, level, document, :owner,
       due_on, :made_at
FROM unnest(
    :monitoring_ids::bigint[], :segments::text[], :cases::bigint[], :levels::text[],
    :documents::text[], :due_ons::date[]
) AS given (monitoring_id, segment, cases, level, document, due_on);

-- name: monitorings
-- What was found of a model, newest first, behind a number.
-- gives   at most :page rows
-- turns   is read to both sides of its key
-- locks   none
SELECT monitoring_id, model_sha256, segment, since, until, cases, level, document, owner, due_on,
       made_at
FROM models.monitoring
WHERE model_sha256 = :model_sha256 AND monitoring_id < /*turns*/ :before
ORDER BY monitoring_id DESC /*turns*/
LIMIT :page;

-- name: latest_monitorings
-- The last figures of each model and segment.
-- gives   at most one row for each
-- locks   none
SELECT DISTINCT ON (model_sha256, segment)
       monitoring_id, model_sha256, segment, since, until, cases, level, document, owner, due_on,
       made_at
FROM models.monitoring
WHERE model_sha256 = ANY(:model_sha256s)
ORDER BY model_sha256, segment, monitoring_id DESC;

-- name: add_hold
-- Automatic approvals of a segment begin or cease to be held back.
-- locks   none but its row
INSERT INTO models.hold (
    hold_id, model_sha256, segment, is_held, monitoring_id, done_by, reason, at
) VALUES (
    :hold_id, :model_sha256, :segment, :is_held, :monitoring_id, :done_by, :reason, :at
);

-- name: held_segments
-- Segments of models that are held back now.
-- gives   a row for each
-- locks   none
SELECT model_sha256, segment, reason, at
FROM (
    SELECT DISTINCT ON (model_sha256, segment) model_sha256, segment, is_held, reason, at
    FROM models.hold
    WHERE model_sha256 = ANY(:model_sha256s)
    ORDER BY model_sha256, segment, hold_id DESC
) AS latest
WHERE is_held
ORDER BY model_sha256, segment;

-- name: add_stress
-- What a scenario would do.
-- locks   none but its row
INSERT INTO models.stress (
    stress_id, model_sha256, data_sha256, scenario_sha256, document, made_by, made_at
) VALUES (
    :stress_id, :model_sha256, :data_sha256, :scenario_sha256, :document, :made_by, :made_at
);

-- name: stresses
-- What scenarios would do with a model, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT stress_id, model_sha256, data_sha256, scenario_sha256, document, made_by, made_at
FROM models.stress
WHERE model_sha256 = :model_sha256
  AND stress_id < /*turns*/ :before
ORDER BY stress_id DESC /*turns*/
LIMIT :page;

-- name: decided
-- What policies decided by machine in a span, with what a person made of it and how the line went:
-- bad where an instalment was so many days late within the horizon, good where the horizon has
-- passed without, not known where it has not passed or nothing was drawn.
-- gives   at most :page rows, the newest first
-- locks   none
SELECT said.decided_at, said.outcome, said.inputs, said.result::json ->> 'segment' AS segment,
       person.outcome AS person_outcome,
       CASE
           WHEN went.is_bad THEN 1
           WHEN went.loans > 0 AND (
               said.decided_at + make_interval(months => :horizon_months)
           )::date <= today.business_date THEN 0
       END AS bad
FROM reporting.decision AS said
JOIN reporting.application AS application
  ON application.customer_id = said.customer_id
 AND application.application_id = said.application_id
CROSS JOIN reporting.business_date AS today
LEFT JOIN reporting.decision AS person
  ON person.customer_id = said.customer_id AND person.application_id = said.application_id
 AND person.decision_no = said.decision_no + 1 AND person.decided_by <> 'policy'
LEFT JOIN LATERAL (
    SELECT count(DISTINCT loan.loan_id) AS loans,
           coalesce(bool_or(
               instalment.due_date + :bad_days::integer
                   < coalesce(instalment.settled_on, today.business_date)
               AND instalment.due_date + :bad_days::integer
                   <= (said.decided_at + make_interval(months => :horizon_months))::date
           ), false) AS is_bad
    FROM reporting.loan AS loan
    LEFT JOIN reporting.instalment AS instalment
      ON instalment.customer_id = loan.customer_id AND instalment.loan_id = loan.loan_id
    WHERE loan.customer_id = application.customer_id AND loan.line_id = application.line_id
) AS went ON true
WHERE said.policy_hash = ANY(:policy_hashes) AND said.decided_by = 'policy'
  AND said.decided_at > :since AND said.decided_at <= :until
ORDER BY said.decided_at DESC, said.customer_id, said.application_id, said.decision_no
LIMIT :page;

-- name: exposures
-- Lines that are not closed with what a model's policies knew when the line was decided on.
-- gives   at most :page rows
-- locks   none
SELECT said.inputs, said.segment, line.limit_minor,
       line.principal_minor + line.held_minor AS drawn_minor
FROM reporting.line AS line
JOIN LATERAL (
    SELECT decision.inputs, decision.result::json ->> 'segment' AS segment
    FROM reporting.decision AS decision
    WHERE decision.customer_id = line.customer_id
      AND decision.application_id = line.application_id
      AND decision.policy_hash = ANY(:policy_hashes) AND decision.decided_by = 'policy'
    ORDER BY decision.decision_no DESC
    LIMIT 1
) AS said ON true
WHERE line.status <> 'closed'
ORDER BY line.customer_id, line.line_id
LIMIT :page;

-- name: policies_of_model
-- Every policy version that decides by a model.
-- gives   a row for each
-- locks   none
SELECT policy_hash
FROM reporting.policy_model
WHERE model_sha256 = :model_sha256
ORDER BY policy_hash;
