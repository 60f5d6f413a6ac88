-- The states of what acts are about, as lines of the trail tell them before and after: what acts
-- change, never a particular of a person. What is unknown is left out.

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ln
-- A credit line.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || l.status, 'limit_minor=' || l.limit_minor,
                 'credit_minor=' || l.credit_minor, 'frozen_until=' || l.frozen_until,
                 'repayment_day=' || l.repayment_day) AS state
FROM reporting.line AS l
WHERE l.customer_id = :customer_id AND l.line_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lo
-- A loan.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || l.status, 'principal_minor=' || l.principal_minor,
                 'tenor_months=' || l.tenor_months, 'next_due_date=' || l.next_due_date) AS state
FROM reporting.loan AS l
WHERE l.customer_id = :customer_id AND l.loan_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ap
-- An application.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || a.status, 'outcome=' || a.outcome,
                 'limit_minor=' || a.limit_minor) AS state
FROM reporting.application AS a
WHERE a.customer_id = :customer_id AND a.application_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_cs
-- A consent.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || c.status, 'uses=' || c.uses) AS state
FROM reporting.consent AS c
WHERE c.customer_id = :customer_id AND c.consent_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ct
-- A contract.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'state=' || c.state, 'limit_minor=' || c.limit_minor,
                 'effective_on=' || c.effective_on) AS state
FROM reporting.contract AS c
WHERE c.customer_id = :customer_id AND c.contract_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_rv
-- A look by a person at a decision.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'outcome=' || r.outcome, 'ended_as=' || r.ended_as) AS state
FROM reporting.review AS r
WHERE r.customer_id = :customer_id AND r.review_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lm
-- A measure on a line.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'kind=' || m.kind, 'status=' || m.status, 'to_minor=' || m.to_minor,
                 'ends_on=' || m.ends_on) AS state
FROM reporting.line_measure AS m
WHERE m.customer_id = :customer_id AND m.measure_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_la
-- An appeal against a measure.
-- gives   at most one row
-- locks   none
SELECT 'status=' || a.status AS state
FROM reporting.line_appeal AS a
WHERE a.customer_id = :customer_id AND a.appeal_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lx
-- A case of a line's review.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || c.status, 'taken_by=' || c.taken_by, 'decision=' || c.decision,
                 'to_minor=' || c.to_minor) AS state
FROM reporting.line_review_case AS c
WHERE c.customer_id = :customer_id AND c.case_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_pm
-- A payment.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || p.status, 'outcome=' || p.outcome) AS state
FROM reporting.payment AS p
WHERE p.customer_id = :customer_id AND p.payment_id = :number;
