-- How the lines of a version fared, by the month in which they were opened.

-- name: vintages
-- Lines by the version that had approved them and the month of their opening: what the version
-- foresaw, and what came. A line is observed once an instalment has fallen due; it is in default
-- once one was at least 90 days late. Foreseen is the mean probability of observed lines of which
-- the version gave one. Lost is the principal of open loans at least 90 days past due.
-- gives   one row a version, month and currency, newest month first, at most :page
-- locks   none
WITH approved AS (
    SELECT DISTINCT ON (d.customer_id, d.application_id)
           d.customer_id, a.line_id, a.policy_version, d.policy_hash,
           (d.result::jsonb ->> 'pd_ppm')::bigint AS pd_ppm
    FROM decisioning.application AS a
    JOIN decisioning.decision AS d
      ON d.customer_id = a.customer_id AND d.application_id = a.application_id
     AND d.decided_by = 'policy'
    WHERE a.line_id IS NOT NULL
    ORDER BY d.customer_id, d.application_id, d.decision_no DESC
), seen AS (
    SELECT approved.policy_hash, approved.policy_version, approved.pd_ppm, line.currency,
           date_trunc('month', line.opened_on)::date AS opened_in,
           coalesce(owed.lent_minor, 0) AS lent_minor, coalesce(owed.lost_minor, 0) AS lost_minor,
           due.worst_days
    FROM approved
    JOIN reporting.line AS line
      ON line.customer_id = approved.customer_id AND line.line_id = approved.line_id
    CROSS JOIN reporting.business_date AS today
    LEFT JOIN LATERAL (
        SELECT sum(o.original_minor) AS lent_minor,
               sum(o.principal_minor) FILTER (WHERE o.status = 'open' AND o.days_past_due >= 90)
                   AS lost_minor
        FROM reporting.loan AS o
        WHERE o.customer_id = approved.customer_id AND o.line_id = approved.line_id
          AND o.status IN ('open', 'closed')
    ) AS owed ON true
    LEFT JOIN LATERAL (
        SELECT max(coalesce(i.settled_on, today.business_date) - i.due_date) AS worst_days
        FROM reporting.loan AS o
        JOIN reporting.instalment AS i ON i.customer_id = o.customer_id AND i.loan_id = o.loan_id
        WHERE o.customer_id = approved.customer_id AND o.line_id = approved.line_id
          AND i.due_date <= today.business_date
    ) AS due ON true
)
SELECT policy_version, policy_hash, opened_in, currency, count(*) AS lines,
       count(worst_days) AS observed,
       count(*) FILTER (WHERE worst_days >= 90) AS defaulted,
       count(*) FILTER (WHERE worst_days IS NOT NULL AND pd_ppm IS NOT NULL) AS foreseen_of,
       (avg(pd_ppm) FILTER (WHERE worst_days IS NOT NULL))::bigint AS foreseen_ppm,
       count(*) FILTER (WHERE worst_days >= 90 AND pd_ppm IS NOT NULL) AS foreseen_defaulted,
       sum(lent_minor)::bigint AS lent_minor, sum(lost_minor)::bigint AS lost_minor
FROM seen
GROUP BY policy_version, policy_hash, opened_in, currency
ORDER BY opened_in DESC, policy_version, policy_hash, currency
LIMIT :page;
