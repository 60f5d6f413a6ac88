-- name: decisions_of_range
-- Decisions on what a range of customers asked for, the policies' and people's.
-- gives   the decisions of customers after one and up to another
-- locks   none
SELECT d.customer_id, d.subject_id, d.about, d.decided_by, d.outcome, d.policy_hash, d.inputs,
       d.result
FROM decisioning.recorded_decision AS d
WHERE d.customer_id > :after AND d.customer_id <= :through
ORDER BY d.customer_id, d.subject_id, d.decision_no;
