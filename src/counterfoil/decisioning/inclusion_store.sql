-- How kinds of customers fare: who applied, what they were offered, how they repaid.

-- name: inclusion
-- What became of the applications of a span, by kind of customer. A kind is told from what the
-- policy read at its last decision; where that is not known, the case counts as not known. Late are
-- loans of which an instalment was at least 30 days late, in default at least 90.
-- gives   one row a kind
-- locks   none
WITH decided AS (
    SELECT DISTINCT ON (d.customer_id, d.application_id)
           d.customer_id, d.application_id, a.line_id, a.outcome, a.limit_minor, a.rate_daily_e8,
           d.inputs::jsonb -> 'features' AS read
    FROM decisioning.application AS a
    JOIN decisioning.decision AS d
      ON d.customer_id = a.customer_id AND d.application_id = a.application_id
    WHERE d.decided_by = 'policy'
      AND a.received_at >= :received_from AND a.received_at < :received_before
    ORDER BY d.customer_id, d.application_id, d.decision_no DESC
), seen AS (
    SELECT decided.*, line.limit_minor AS limit_now_minor, line.line_id IS NOT NULL AS has_line,
           (SELECT t.is_so FROM reporting.customer_trait AS t
            WHERE t.customer_id = decided.customer_id AND t.trait = 'is_rural') AS is_rural,
           (SELECT t.is_so FROM reporting.customer_trait AS t
            WHERE t.customer_id = decided.customer_id AND t.trait = 'is_micro_owner')
               AS is_micro_owner,
           late.worst_days, late.is_overdue, asked.reviews, asked.overturned,
           (decided.read ->> 'age_years')::integer AS age_years,
           (decided.read ->> 'is_student')::boolean AS is_student,
           (decided.read ->> 'history_months')::integer AS history_months,
           NOT EXISTS (
               SELECT 1 FROM reporting.line AS earlier
               WHERE earlier.customer_id = decided.customer_id
                 AND earlier.line_id < decided.application_id
           ) AS is_first
    FROM decided
    LEFT JOIN reporting.line AS line
      ON line.customer_id = decided.customer_id AND line.line_id = decided.line_id
    LEFT JOIN LATERAL (
        SELECT max(coalesce(i.settled_on, today.business_date) - i.due_date) AS worst_days,
               bool_or(i.settled_on IS NULL AND i.due_date < today.business_date) AS is_overdue
        FROM reporting.loan AS o
        JOIN reporting.instalment AS i ON i.customer_id = o.customer_id AND i.loan_id = o.loan_id
        CROSS JOIN reporting.business_date AS today
        WHERE o.customer_id = decided.customer_id AND o.line_id = decided.line_id
          AND i.due_date <= today.business_date
    ) AS late ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS reviews, count(*) FILTER (WHERE r.ended_as = 'overturned') AS overturned
        FROM reporting.review AS r
        WHERE r.customer_id = decided.customer_id AND r.about = 'application'
          AND r.subject_id = decided.application_id
    ) AS asked ON true
)
SELECT kind.code,
       count(*) FILTER (WHERE kind.is_member) AS applied,
       count(*) FILTER (WHERE kind.is_member IS NULL) AS not_known,
       count(*) FILTER (WHERE kind.is_member AND seen.outcome <> 'referred') AS decided,
       count(*) FILTER (WHERE kind.is_member AND seen.outcome = 'approved') AS approved,
       percentile_disc(0.50) WITHIN GROUP (ORDER BY seen.limit_minor)
           FILTER (WHERE kind.is_member AND seen.outcome = 'approved') AS limit_median_minor,
       percentile_disc(0.50) WITHIN GROUP (ORDER BY seen.rate_daily_e8)
           FILTER (WHERE kind.is_member AND seen.outcome = 'approved') AS rate_median_daily_e8,
       count(*) FILTER (WHERE kind.is_member AND seen.has_line) AS lines,
       count(*) FILTER (WHERE kind.is_member AND seen.worst_days IS NOT NULL) AS observed,
       count(*) FILTER (WHERE kind.is_member AND seen.worst_days >= 30) AS late,
       count(*) FILTER (WHERE kind.is_member AND seen.worst_days >= 90) AS defaulted,
       count(*) FILTER (WHERE kind.is_member AND seen.worst_days >= 30 AND NOT seen.is_overdue)
           AS cured,
       count(*) FILTER (WHERE kind.is_member AND seen.limit_now_minor > seen.limit_minor)
           AS graduated,
       coalesce(sum(seen.reviews) FILTER (WHERE kind.is_member), 0)::bigint AS reviews,
       coalesce(sum(seen.overturned) FILTER (WHERE kind.is_member), 0)::bigint AS overturned
FROM seen
CROSS JOIN LATERAL (VALUES
    ('all', true),
    ('thin_file', seen.history_months < :thin_months_max),
    ('first_time', seen.is_first),
    ('young_adult', seen.age_years BETWEEN :young_years_min AND :young_years_max),
    ('student', seen.is_student),
    ('elderly', seen.age_years >= :elderly_years_min),
    ('rural', seen.is_rural),
    ('micro_owner', seen.is_micro_owner)
) AS kind (code, is_member)
GROUP BY kind.code;

-- name: inclusion_segments
-- What became of the applications of a span, by version of the policy and the segment that took the
-- case at its last decision by policy, and how the lines that came of it were repaid. Late and in
-- default as above. A line is seasoned where it has been open for :seasoned_days; whether it has
-- grown beyond its first limit is counted of seasoned lines alone.
-- gives   one row a version and segment
-- locks   none
WITH decided AS (
    SELECT DISTINCT ON (d.customer_id, d.application_id)
           d.customer_id, a.line_id, d.policy_hash, d.result::jsonb ->> 'segment' AS segment,
           a.outcome, a.limit_minor, a.rate_daily_e8
    FROM decisioning.application AS a
    JOIN decisioning.decision AS d
      ON d.customer_id = a.customer_id AND d.application_id = a.application_id
    WHERE d.decided_by = 'policy'
      AND a.received_at >= :received_from AND a.received_at < :received_before
    ORDER BY d.customer_id, d.application_id, d.decision_no DESC
), seen AS (
    SELECT decided.*, line.line_id IS NOT NULL AS has_line, late.worst_days, late.is_overdue,
           line.opened_on <= today.business_date - :seasoned_days::integer AS is_seasoned,
           line.limit_minor > decided.limit_minor AS has_grown
    FROM decided
    CROSS JOIN reporting.business_date AS today
    LEFT JOIN reporting.line AS line
      ON line.customer_id = decided.customer_id AND line.line_id = decided.line_id
    LEFT JOIN LATERAL (
        SELECT max(coalesce(i.settled_on, today.business_date) - i.due_date) AS worst_days,
               bool_or(i.settled_on IS NULL AND i.due_date < today.business_date) AS is_overdue
        FROM reporting.loan AS o
        JOIN reporting.instalment AS i ON i.customer_id = o.customer_id AND i.loan_id = o.loan_id
        WHERE o.customer_id = decided.customer_id AND o.line_id = decided.line_id
          AND i.due_date <= today.business_date
    ) AS late ON true
)
SELECT policy_hash, segment AS code, count(*) AS applied,
       count(*) FILTER (WHERE outcome <> 'referred') AS decided,
       count(*) FILTER (WHERE outcome = 'approved') AS approved,
       percentile_disc(0.50) WITHIN GROUP (ORDER BY limit_minor)
           FILTER (WHERE outcome = 'approved') AS limit_median_minor,
       percentile_disc(0.50) WITHIN GROUP (ORDER BY rate_daily_e8)
           FILTER (WHERE outcome = 'approved') AS rate_median_daily_e8,
       count(*) FILTER (WHERE has_line) AS lines,
       count(*) FILTER (WHERE worst_days IS NOT NULL) AS observed,
       count(*) FILTER (WHERE worst_days >= 30) AS late,
       count(*) FILTER (WHERE worst_days >= 90) AS defaulted,
       count(*) FILTER (WHERE worst_days >= 30 AND NOT is_overdue) AS cured,
       count(*) FILTER (WHERE is_seasoned) AS seasoned,
       count(*) FILTER (WHERE is_seasoned AND has_grown) AS graduated
FROM seen
GROUP BY policy_hash, segment
ORDER BY policy_hash, segment;

-- name: last_segment
-- The segment that took a customer's latest case, and the version by which.
-- gives   at most one row
-- locks   none
SELECT policy_hash, result::jsonb ->> 'segment' AS segment
FROM decisioning.decision
WHERE customer_id = :customer_id AND decided_by = 'policy'
ORDER BY decided_at DESC, application_id DESC, decision_no DESC
LIMIT 1;
