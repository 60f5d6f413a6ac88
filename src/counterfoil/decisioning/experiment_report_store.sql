-- What came of the cases of experiments, of versions by month, and of versions in the shadow.

-- name: case_outcomes
-- Cases of an experiment in the order in which they came, with the policy's record, how the case
-- ended, and what became of its line: the longest that anything was past due, the principal of
-- loans more than 90 days past due, interest and penalties paid.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT taken.customer_id, taken.subject_id, taken.arm, said.policy_hash, said.inputs,
       coalesce(application.outcome, asked.outcome, said.outcome) AS outcome,
       coalesce(application.limit_minor, asked.limit_minor, 0) AS limit_minor,
       coalesce(application.status, asked.status) = 'accepted' AS is_opened,
       coalesce(late.days_max, 0) AS late_days_max,
       coalesce(money.lost_minor, 0)::bigint AS lost_minor,
       coalesce(money.revenue_minor, 0)::bigint AS revenue_minor,
       coalesce(money.funding_minor, 0)::bigint AS funding_minor,
       EXISTS (
           SELECT FROM decisioning.review
           WHERE review.customer_id = taken.customer_id AND review.subject_id = taken.subject_id
       ) AS is_contested
FROM decisioning.experiment_case AS taken
JOIN decisioning.recorded_decision AS said
  ON said.customer_id = taken.customer_id AND said.subject_id = taken.subject_id
 AND said.decision_no = 1
LEFT JOIN decisioning.application AS application
  ON application.customer_id = taken.customer_id AND application.application_id = taken.subject_id
LEFT JOIN decisioning.limit_request AS asked
  ON asked.customer_id = taken.customer_id AND asked.request_id = taken.subject_id
LEFT JOIN LATERAL (
    SELECT sum(loan.principal_minor) FILTER (WHERE loan.days_past_due > 90) AS lost_minor,
           sum(loan.interest_paid_minor + loan.penalty_paid_minor) AS revenue_minor,
           sum(
               CASE WHEN loan.rate_daily_e8 > 0 THEN
                   ((loan.interest_paid_minor + loan.due_interest_minor) * 100000000::numeric
                    + loan.interest_e8) / loan.rate_daily_e8
               ELSE loan.principal_minor * greatest(0, loan.business_date - loan.start_date)::numeric
               END) * :funds_annual_e8::bigint / 365 / 100000000 AS funding_minor
    FROM reporting.loan AS loan
    WHERE loan.customer_id = taken.customer_id
      AND loan.line_id = coalesce(application.line_id, asked.line_id)
) AS money ON true
LEFT JOIN LATERAL (
    SELECT max(coalesce(part.settled_on, loan.business_date) - part.due_date) AS days_max
    FROM reporting.loan AS loan
    JOIN reporting.instalment AS part
      ON part.customer_id = loan.customer_id AND part.loan_id = loan.loan_id
    WHERE loan.customer_id = taken.customer_id
      AND loan.line_id = coalesce(application.line_id, asked.line_id)
) AS late ON true
WHERE taken.experiment_id = :experiment_id
  AND (taken.subject_id, taken.customer_id) > (:subject_id, :customer_id)
ORDER BY taken.subject_id, taken.customer_id
LIMIT :page;

-- name: line_outcomes
-- Lines of an experiment on reviews in the order in which they came: the last review by its arm,
-- whether anything was offered or left to people, and what became of the line since its first
-- review in it. Money lent is counted by the interest that it earned.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT taken.customer_id, taken.subject_id, taken.arm, said.policy_hash, said.inputs,
       CASE WHEN ever.offered THEN 'approved' WHEN ever.referred THEN 'referred'
            ELSE 'declined' END AS outcome,
       line.limit_minor, true AS is_opened,
       coalesce(late.days_max, 0) AS late_days_max,
       coalesce(owed.lost_minor, 0)::bigint AS lost_minor,
       coalesce(money.revenue_minor, 0)::bigint AS revenue_minor,
       coalesce(money.funding_minor, 0)::bigint AS funding_minor,
       EXISTS (
           SELECT FROM decisioning.line_appeal AS appeal
           WHERE appeal.customer_id = taken.customer_id AND appeal.line_id = taken.subject_id
             AND appeal.received_at >= taken.decided_at
       ) AS is_contested
FROM decisioning.experiment_case AS taken
JOIN reporting.line AS line
  ON line.customer_id = taken.customer_id AND line.line_id = taken.subject_id
CROSS JOIN LATERAL (
    SELECT review.policy_hash, review.inputs
    FROM decisioning.line_review AS review
    WHERE review.customer_id = taken.customer_id AND review.line_id = taken.subject_id
      AND review.decided_at >= taken.decided_at
    ORDER BY review.review_id DESC
    LIMIT 1
) AS said
CROSS JOIN LATERAL (
    SELECT min(review.business_date) AS since,
           bool_or(review.outcome = 'offered') AS offered,
           bool_or(review.outcome = 'referred') AS referred
    FROM decisioning.line_review AS review
    WHERE review.customer_id = taken.customer_id AND review.line_id = taken.subject_id
      AND review.decided_at >= taken.decided_at
) AS ever
LEFT JOIN LATERAL (
    SELECT sum(loan.principal_minor) FILTER (WHERE loan.days_past_due > 90) AS lost_minor
    FROM reporting.loan AS loan
    WHERE loan.customer_id = taken.customer_id AND loan.line_id = taken.subject_id
) AS owed ON true
LEFT JOIN LATERAL (
    SELECT sum(moved.interest_minor + moved.penalty_minor) AS revenue_minor,
           sum(moved.interest_minor * 100000000::numeric / nullif(loan.rate_daily_e8, 0))
               * :funds_annual_e8::bigint / 365 / 100000000 AS funding_minor
    FROM reporting.loan_transaction AS moved
    JOIN reporting.loan AS loan
      ON loan.customer_id = moved.customer_id AND loan.loan_id = moved.loan_id
    WHERE moved.customer_id = taken.customer_id AND moved.line_id = taken.subject_id
      AND moved.book_date >= ever.since
) AS money ON true
LEFT JOIN LATERAL (
    SELECT max(coalesce(part.settled_on, loan.business_date) - part.due_date) AS days_max
    FROM reporting.loan AS loan
    JOIN reporting.instalment AS part
      ON part.customer_id = loan.customer_id AND part.loan_id = loan.loan_id
    WHERE loan.customer_id = taken.customer_id AND loan.line_id = taken.subject_id
      AND part.due_date >= ever.since
) AS late ON true
WHERE taken.experiment_id = :experiment_id
  AND (taken.subject_id, taken.customer_id) > (:subject_id, :customer_id)
ORDER BY taken.subject_id, taken.customer_id
LIMIT :page;

-- name: losses
-- Lines by the version that approved them and the month in which they were opened: what its model
-- expected, where it said so of every case, and what came of them.
-- gives   a row for each version and month since a date
-- locks   none
SELECT line.policy_hash, line.policy_version, line.vintage, count(*) AS accounts,
       sum(line.limit_minor)::bigint AS limit_minor_sum,
       count(line.pd_ppm) AS accounts_with_pd,
       sum(line.pd_ppm)::bigint AS pd_ppm_sum,
       count(*) FILTER (WHERE late.days_max > 30) AS late_30,
       count(*) FILTER (WHERE late.days_max > 90) AS late_90,
       coalesce(sum(money.lost_minor), 0)::bigint AS lost_minor,
       coalesce(sum(money.revenue_minor), 0)::bigint AS revenue_minor,
       coalesce(sum(money.funding_minor), 0)::bigint AS funding_minor
FROM (
    SELECT opened.customer_id, opened.line_id, application.policy_hash,
           application.policy_version, application.limit_minor,
           date_trunc('month', opened.opened_on)::date AS vintage,
           (said.result::json ->> 'pd_ppm')::bigint AS pd_ppm
    FROM reporting.line AS opened
    JOIN decisioning.application AS application
      ON application.customer_id = opened.customer_id
     AND application.application_id = opened.application_id
    JOIN decisioning.decision AS said
      ON said.customer_id = opened.customer_id AND said.application_id = opened.application_id
     AND said.decision_no = 1
    WHERE opened.opened_on >= :since
) AS line
LEFT JOIN LATERAL (
    SELECT sum(loan.principal_minor) FILTER (WHERE loan.days_past_due > 90) AS lost_minor,
           sum(loan.interest_paid_minor + loan.penalty_paid_minor) AS revenue_minor,
           sum(
               CASE WHEN loan.rate_daily_e8 > 0 THEN
                   ((loan.interest_paid_minor + loan.due_interest_minor) * 100000000::numeric
                    + loan.interest_e8) / loan.rate_daily_e8
               ELSE loan.principal_minor * greatest(0, loan.business_date - loan.start_date)::numeric
               END) * :funds_annual_e8::bigint / 365 / 100000000 AS funding_minor
    FROM reporting.loan AS loan
    WHERE loan.customer_id = line.customer_id AND loan.line_id = line.line_id
) AS money ON true
LEFT JOIN LATERAL (
    SELECT max(coalesce(part.settled_on, loan.business_date) - part.due_date) AS days_max
    FROM reporting.loan AS loan
    JOIN reporting.instalment AS part
      ON part.customer_id = loan.customer_id AND part.loan_id = loan.loan_id
    WHERE loan.customer_id = line.customer_id AND loan.line_id = line.line_id
) AS late ON true
GROUP BY line.policy_hash, line.policy_version, line.vintage
ORDER BY line.policy_version, line.policy_hash, line.vintage;

-- name: decisions_since
-- The policies' own decisions about one kind of question, in the order of their time, as far as
-- nobody can add to that time any more.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT customer_id, subject_id, decided_at, policy_hash, outcome, inputs, result
FROM decisioning.recorded_decision
WHERE decided_by = :decided_by AND decision_no = 1 AND about = :about
  AND decided_at >= :after_at AND decided_at < :before
  AND (decided_at, customer_id, subject_id) > (:after_at, :customer_id, :subject_id)
ORDER BY decided_at, customer_id, subject_id
LIMIT :page;

-- name: reviews_since
-- Reviews of lines in the order of their time, as far as nobody can add to that time any more.
-- gives   at most :page rows, after the key given
-- locks   none
SELECT customer_id, review_id AS subject_id, decided_at, policy_hash, outcome, inputs,
       coalesce(to_minor, from_minor) AS limit_minor
FROM decisioning.line_review
WHERE decided_at >= :after_at AND decided_at < :before
  AND (decided_at, customer_id, review_id) > (:after_at, :customer_id, :subject_id)
ORDER BY decided_at, customer_id, review_id
LIMIT :page;

-- name: last_shadow
-- Up to which decision a version in the shadow has been asked.
-- gives   at most one row
-- locks   none
SELECT decided_at, customer_id, subject_id
FROM decisioning.shadow_result
WHERE experiment_id = :experiment_id
ORDER BY decided_at DESC, customer_id DESC, subject_id DESC
LIMIT 1;

-- name: add_shadow_results
-- What a version in the shadow says of cases; of one that was asked about already, nothing.
-- gives   the number of rows written
-- locks   none but its rows
INSERT INTO decisioning.shadow_result (
    customer_id, subject_id, experiment_id, decided_at, production_hash, production_outcome,
    production_limit_minor, shadow_outcome, shadow_limit_minor, rules_true, rules_unknown
)
SELECT given.customer_id, given.subject_id, :experiment_id, given.decided_at,
       given.production_hash, given.production_outcome, given.production_limit_minor,
       given.shadow_outcome, given.shadow_limit_minor,
       string_to_array(given.rules_true, ','), string_to_array(given.rules_unknown, ',')
FROM unnest(
    :customer_ids::bigint[], :subject_ids::bigint[], :decided_at::timestamptz[],
    :production_hashes::text[], :production_outcomes::text[], :production_limits::bigint[],
    :shadow_outcomes::text[], :shadow_limits::bigint[], :rules_true::text[],
    :rules_unknown::text[]
) AS given (
    customer_id, subject_id, decided_at, production_hash, production_outcome,
    production_limit_minor, shadow_outcome, shadow_limit_minor, rules_true, rules_unknown
)
ON CONFLICT (customer_id, subject_id, experiment_id) DO NOTHING;

-- name: shadow_matrix
-- How often production said one thing and the shadow another, and the limits of both.
-- gives   a row for each pair of outcomes
-- locks   none
SELECT production_outcome, shadow_outcome, count(*) AS cases,
       sum(production_limit_minor)::bigint AS production_limit_minor,
       sum(shadow_limit_minor)::bigint AS shadow_limit_minor
FROM decisioning.shadow_result
WHERE experiment_id = :experiment_id
GROUP BY production_outcome, shadow_outcome
ORDER BY production_outcome, shadow_outcome;

-- name: shadow_rules
-- How often each rule of the shadow was true, or unknown.
-- gives   a row for each rule and verdict
-- locks   none
SELECT said.rule_code, said.verdict, count(*) AS cases
FROM decisioning.shadow_result AS result
CROSS JOIN LATERAL (
    SELECT unnest(result.rules_true) AS rule_code, 'true' AS verdict
    UNION ALL
    SELECT unnest(result.rules_unknown), 'unknown'
) AS said
WHERE result.experiment_id = :experiment_id
GROUP BY said.rule_code, said.verdict
ORDER BY said.rule_code, said.verdict;
