-- Experiments, what happened to them, whom they took, and the budgets of control groups.

-- name: add_experiment
-- An experiment as it was proposed.
-- locks   none but its row
INSERT INTO decisioning.experiment (
    experiment_id, code, kind, purpose, definition_hash, document, proposed_by, proposed_at
) VALUES (
    :experiment_id, :code, :kind, :purpose, :definition_hash, :document, :proposed_by, :proposed_at
);

-- name: experiment_of_code
-- One experiment by its code.
-- gives   at most one row
-- locks   none
SELECT experiment_id, document, proposed_by, proposed_at
FROM decisioning.experiment
WHERE code = :code;

-- name: lock_experiment
-- One experiment, for whoever moves it on or grants from its budget: one at a time.
-- gives   at most one row
-- locks   the row
SELECT experiment_id
FROM decisioning.experiment
WHERE experiment_id = :experiment_id
FOR NO KEY UPDATE;

-- name: lock_proposals
-- Lets one person at a time propose or start, so that layers cannot be taken twice.
-- gives   one row without a meaning
-- locks   the advisory lock of experiments until the transaction ends
SELECT pg_advisory_xact_lock(7205759403792810);

-- name: experiments
-- Experiments, newest first.
-- gives   at most :page rows, before the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT experiment_id, document, proposed_by, proposed_at
FROM decisioning.experiment
WHERE experiment_id < /*turns*/ :before
ORDER BY experiment_id DESC /*turns*/
LIMIT :page;

-- name: unfinished
-- Experiments that have neither been stopped nor come to their end.
-- gives   a row for each
-- locks   none
SELECT experiment.experiment_id, experiment.document, experiment.proposed_by,
       experiment.proposed_at
FROM decisioning.experiment AS experiment
WHERE NOT EXISTS (
    SELECT FROM decisioning.experiment_event AS event
    WHERE event.experiment_id = experiment.experiment_id AND event.kind IN ('stopped', 'ended')
)
ORDER BY experiment.experiment_id;

-- name: add_event
-- What happened to an experiment, behind what happened before.
-- locks   the experiment, shared
INSERT INTO decisioning.experiment_event (
    experiment_id, event_no, kind, business_date, at, author, detail
)
SELECT :experiment_id, coalesce(max(event_no), 0) + 1, :kind, :business_date::date,
       :at::timestamptz, :author, :detail
FROM decisioning.experiment_event
WHERE experiment_id = :experiment_id;

-- name: events
-- What happened to some experiments, in order.
-- gives   a row for each event
-- locks   none
SELECT experiment_id, event_no, kind, business_date, at, author, detail
FROM decisioning.experiment_event
WHERE experiment_id = ANY(:experiment_ids::bigint[])
ORDER BY experiment_id, event_no;

-- name: add_cases
-- Cases that experiments took.
-- locks   none but its rows
INSERT INTO decisioning.experiment_case (
    customer_id, subject_id, experiment_id, arm, decided_at
)
SELECT given.customer_id, given.subject_id, given.experiment_id, given.arm, :decided_at
FROM unnest(
    :customer_ids::bigint[], :subject_ids::bigint[], :experiment_ids::bigint[], :arms::text[]
) AS given (customer_id, subject_id, experiment_id, arm);

-- name: add_cases_once
-- Cases that an experiment took, of which some were taken before.
-- locks   none but its rows
INSERT INTO decisioning.experiment_case (
    customer_id, subject_id, experiment_id, arm, decided_at
)
SELECT given.customer_id, given.subject_id, given.experiment_id, given.arm, :decided_at
FROM unnest(
    :customer_ids::bigint[], :subject_ids::bigint[], :experiment_ids::bigint[], :arms::text[]
) AS given (customer_id, subject_id, experiment_id, arm)
ON CONFLICT (customer_id, subject_id, experiment_id) DO NOTHING;

-- name: case_count
-- How many cases an experiment has taken.
-- gives   one row
-- locks   none
SELECT count(*)
FROM decisioning.experiment_case
WHERE experiment_id = :experiment_id;

-- name: budget_spent
-- How far a control group has gone.
-- gives   one row
-- locks   none
SELECT coalesce(max(grant_no), 0) AS accounts, coalesce(max(spent_minor), 0) AS spent_minor
FROM decisioning.control_grant
WHERE experiment_id = :experiment_id;

-- name: add_grants
-- Grants of a control group.
-- locks   none but its rows
INSERT INTO decisioning.control_grant (
    experiment_id, grant_no, limit_minor, spent_minor, accounts_max, loss_minor_max, granted_at
)
SELECT :experiment_id, given.grant_no, given.limit_minor, given.spent_minor, :accounts_max,
       :loss_minor_max, :granted_at
FROM unnest(
    :grant_nos::integer[], :limits_minor::bigint[], :spent_minor::bigint[]
) AS given (grant_no, limit_minor, spent_minor);
