-- name: decisions_of_range
-- Decisions on the applications of a range of customers, the policy's and people's.
-- gives   the decisions of customers after one and up to another
-- locks   none
SELECT d.customer_id, d.application_id, d.decided_by, d.outcome, d.policy_hash, d.inputs, d.result
FROM decisioning.decision AS d
WHERE d.customer_id > :after AND d.customer_id <= :through
ORDER BY d.customer_id, d.application_id, d.decision_no;
