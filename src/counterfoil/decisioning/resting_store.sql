-- Offers of many applicants, with what they rest on.

-- name: offers_of_keys
-- Approved applications with the record of their last decision.
-- gives   at most one row a key
-- locks   none
SELECT a.customer_id, a.application_id, last.policy_hash, last.inputs
FROM unnest(:customer_ids::bigint[], :application_ids::bigint[])
    AS k (customer_id, application_id)
JOIN decisioning.application AS a
  ON a.customer_id = k.customer_id AND a.application_id = k.application_id
CROSS JOIN LATERAL (
    SELECT d.policy_hash, d.inputs
    FROM decisioning.decision AS d
    WHERE d.customer_id = a.customer_id AND d.application_id = a.application_id
    ORDER BY d.decision_no DESC
    LIMIT 1
) AS last
WHERE a.status = 'approved'
ORDER BY a.customer_id, a.application_id;
