-- name: consents_for_purpose
-- Consents of many customers that may be used for a purpose now; of several the one that lasts
-- longest.
-- gives   at most one row a customer
-- locks   none
SELECT DISTINCT ON (c.customer_id) c.customer_id, c.consent_id
FROM consents.consent AS c
WHERE c.customer_id = ANY(:customer_ids::bigint[]) AND c.purpose = :purpose
  AND c.status = 'given' AND c.not_before <= :now AND c.not_after > :now
ORDER BY c.customer_id, c.not_after DESC, c.consent_id DESC;

-- name: withdrawn_for_purposes
-- Customers of whom the consent given last for some purposes was withdrawn.
-- gives   a row for each of them
-- locks   none
SELECT last.customer_id
FROM (
    SELECT DISTINCT ON (c.customer_id) c.customer_id, c.status
    FROM consents.consent AS c
    WHERE c.customer_id = ANY(:customer_ids::bigint[]) AND c.purpose = ANY(:purposes::text[])
    ORDER BY c.customer_id, c.consent_id DESC
) AS last
WHERE last.status = 'withdrawn';

-- name: consents_by_key
-- Consents of many customers as they stand.
-- gives   at most one row a consent of those that are asked for
-- locks   none
SELECT c.customer_id, c.consent_id, c.record_id, c.purpose, c.recipient, c.application_id,
       c.notice_code, c.notice_version, c.language, c.uses_max, c.period_seconds, c.not_before,
       c.not_after, c.data_life_days, c.created, c.leaf_id, c.body, c.sha256, c.position, c.status,
       c.uses, c.period_no, c.uses_in_period, c.ended_at, c.events, c.withdrawn_at
FROM consents.consent AS c
JOIN unnest(:customer_ids::bigint[], :consent_ids::bigint[]) AS wanted (customer_id, consent_id)
  ON wanted.customer_id = c.customer_id AND wanted.consent_id = c.consent_id
ORDER BY c.customer_id, c.consent_id;

-- name: withdrawal_leaves
-- Leaves of the withdrawals of consents of many customers.
-- gives   at most one row a consent of those that are asked for
-- locks   none
SELECT e.customer_id, e.consent_id, e.leaf_id
FROM consents.consent_event AS e
JOIN unnest(:customer_ids::bigint[], :consent_ids::bigint[]) AS wanted (customer_id, consent_id)
  ON wanted.customer_id = e.customer_id AND wanted.consent_id = e.consent_id
WHERE e.kind = 'withdrawn' AND e.leaf_id IS NOT NULL
ORDER BY e.customer_id, e.consent_id;
