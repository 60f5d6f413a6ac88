-- Openings of reports by customer, for whoever follows a fact back to its report.

-- name: openings_of_customers
-- Openings for decisions by machine, with the consent and the life of their reports.
-- gives   one row an opening, in the order of their numbers
-- locks   none
SELECT o.customer_id, o.opening_id, o.report_id, o.purpose, r.consent_id,
       r.expires_at - o.opened_at AS life_seconds
FROM bureau.opening AS o
JOIN bureau.report AS r ON r.customer_id = o.customer_id AND r.report_id = o.report_id
WHERE o.customer_id = ANY (:customer_ids::bigint[]) AND o.grant_id IS NULL
ORDER BY o.customer_id, o.opening_id;
