-- name: decisions_of_range
-- The policy's decisions on the applications of a range of customers.
-- gives   the decisions of customers after one and up to another
-- locks   none
SELECT d.customer_id, d.application_id, d.policy_hash, d.inputs, d.result
FROM decisioning.decision AS d
WHERE d.decided_by = 'policy' AND d.customer_id > :after AND d.customer_id <= :through
ORDER BY d.customer_id, d.application_id, d.decision_no;
