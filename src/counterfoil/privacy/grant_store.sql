-- Grants: who may see whose data in clear, for which purpose, until when.

-- name: add_grants
-- New grants of one person for one purpose.
-- locks   none but their rows
INSERT INTO privacy.access_grant (
    customer_id, grant_id, granted_to, role, purpose, data, ticket, reason, granted_at, expires_at,
    approval_id
)
SELECT given.customer_id, given.grant_id, :granted_to, :role, :purpose, :data::text[], :ticket,
       :reason, :granted_at, :expires_at, :approval_id
FROM unnest(:customer_ids::bigint[], :grant_ids::bigint[]) AS given (customer_id, grant_id);

-- name: grant
-- One grant of a customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, grant_id, granted_to, role, purpose, data, ticket, reason, granted_at,
       expires_at, approval_id
FROM privacy.access_grant
WHERE customer_id = :customer_id AND grant_id = :grant_id;

-- name: customers_looked_at
-- Whom a person was granted to look at since an instant, besides those given.
-- gives   one row
-- locks   none
SELECT count(DISTINCT customer_id) AS customers
FROM privacy.access_grant
WHERE granted_to = :granted_to AND granted_at > :since
  AND customer_id <> ALL (:customer_ids::bigint[]);

-- name: hold_person
-- Lets one person's grants be counted and given one after the other.
-- gives   one row
-- locks   the grants of the person
SELECT pg_advisory_xact_lock(hashtextextended(:granted_to, 7205759403792847));
