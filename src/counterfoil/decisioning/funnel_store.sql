-- name: stages
-- How far the applications of a span came, by product.
-- gives   one row a product
-- locks   none
SELECT a.product_code,
       count(*) AS received,
       count(said.outcome) AS decided,
       count(*) FILTER (WHERE said.outcome = 'approved') AS approved_by_policy,
       count(*) FILTER (WHERE said.outcome = 'declined') AS declined_by_policy,
       count(*) FILTER (WHERE said.outcome = 'referred') AS referred,
       count(*) FILTER (WHERE person.outcome = 'approved') AS approved_by_person,
       count(*) FILTER (WHERE person.outcome = 'declined') AS declined_by_person,
       count(*) FILTER (WHERE a.status = 'accepted') AS accepted,
       count(*) FILTER (WHERE a.status = 'expired' AND said.outcome IS NULL)
           AS expired_undecided,
       count(*) FILTER (WHERE a.status = 'withdrawn' AND said.outcome IS NULL)
           AS withdrawn_undecided,
       count(*) FILTER (WHERE a.status = 'expired' AND said.outcome = 'referred'
           AND person.outcome IS NULL) AS expired_referred,
       count(*) FILTER (WHERE a.status = 'withdrawn' AND said.outcome = 'referred'
           AND person.outcome IS NULL) AS withdrawn_referred,
       count(*) FILTER (WHERE a.status = 'expired'
           AND coalesce(person.outcome, said.outcome) = 'approved') AS expired_offered,
       count(*) FILTER (WHERE a.status = 'withdrawn'
           AND coalesce(person.outcome, said.outcome) = 'approved') AS withdrawn_offered
FROM decisioning.application AS a
LEFT JOIN decisioning.decision AS said
  ON said.customer_id = a.customer_id AND said.application_id = a.application_id
 AND said.decision_no = 1
LEFT JOIN decisioning.decision AS person
  ON person.customer_id = a.customer_id AND person.application_id = a.application_id
 AND person.decision_no = 2
WHERE a.received_at >= :received_from AND a.received_at < :received_before
  AND (:product_code::text IS NULL OR a.product_code = :product_code)
GROUP BY a.product_code
ORDER BY a.product_code;

-- name: step_times
-- How long each step took for those that ended it: median, 95th and 99th percentile, milliseconds.
-- The percentile is the time of an application, not one between two.
-- gives   at most one row a product and step
-- locks   none
SELECT step.product_code, step.step, count(*) AS ended,
       percentile_disc(0.50) WITHIN GROUP (ORDER BY step.took_ms) AS median_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY step.took_ms) AS p95_ms,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY step.took_ms) AS p99_ms
FROM (
    SELECT a.product_code, s.step,
           greatest(0, extract(epoch FROM s.ended_at - s.began_at) * 1000)::bigint AS took_ms
    FROM decisioning.application AS a
    LEFT JOIN decisioning.decision AS said
      ON said.customer_id = a.customer_id AND said.application_id = a.application_id
     AND said.decision_no = 1
    LEFT JOIN decisioning.decision AS person
      ON person.customer_id = a.customer_id AND person.application_id = a.application_id
     AND person.decision_no = 2
    CROSS JOIN LATERAL (VALUES
        ('gathering', a.received_at, a.gathered_at),
        ('decision', a.gathered_at, said.decided_at),
        ('person', said.decided_at, person.decided_at),
        ('acceptance', coalesce(person.decided_at, said.decided_at),
            CASE WHEN a.status = 'accepted' THEN a.ended_at END),
        ('journey', a.received_at, CASE WHEN a.status = 'accepted' THEN a.ended_at END)
    ) AS s (step, began_at, ended_at)
    WHERE a.received_at >= :received_from AND a.received_at < :received_before
      AND (:product_code::text IS NULL OR a.product_code = :product_code)
      AND s.began_at IS NOT NULL AND s.ended_at IS NOT NULL
) AS step
GROUP BY step.product_code, step.step
ORDER BY step.product_code, step.step;

-- name: referred_verdicts
-- What the rules said of the applications that the policy referred.
-- gives   one row a product, policy version, rule and verdict that is not false
-- locks   none
SELECT a.product_code, d.policy_hash, v.key AS rule_code, v.value AS verdict,
       count(*) AS applications
FROM decisioning.application AS a
JOIN decisioning.decision AS d
  ON d.customer_id = a.customer_id AND d.application_id = a.application_id AND d.decision_no = 1
CROSS JOIN LATERAL jsonb_each_text(d.result::jsonb -> 'verdicts') AS v
WHERE a.received_at >= :received_from AND a.received_at < :received_before
  AND (:product_code::text IS NULL OR a.product_code = :product_code)
  AND d.outcome = 'referred' AND v.value <> 'false'
GROUP BY a.product_code, d.policy_hash, v.key, v.value
ORDER BY a.product_code, d.policy_hash, v.key, v.value;
