-- name: returns_of_keys
-- Credit returns by key; the order of the columns is that of the return's fields.
-- gives   at most one row a key
-- locks   none
SELECT r.customer_id, r.return_id, r.line_id, r.amount_minor, r.currency, r.payee_ref,
       r.requested_on, r.status, r.value_date, r.rail_reference, r.failure_code, r.settled_on,
       r.bounced_on, r.bounced_part_minor
FROM unnest(:keys::lending.credit_return_key_v1[]) AS k
CROSS JOIN LATERAL (
    SELECT * FROM lending.credit_return AS c
    WHERE c.customer_id = k.customer_id AND c.return_id = k.return_id
    OFFSET 0) AS r;

-- name: returns_of_line
-- The credit returns of a line, newest first.
-- gives   at most :page rows before the return given
-- turns   is read to both sides of its key
-- locks   none
SELECT r.customer_id, r.return_id, r.line_id, r.amount_minor, r.currency, r.payee_ref,
       r.requested_on, r.status, r.value_date, r.rail_reference, r.failure_code, r.settled_on,
       r.bounced_on, r.bounced_part_minor
FROM lending.credit_return AS r
WHERE r.customer_id = :customer_id AND r.line_id = :line_id AND r.return_id < /*turns*/ :before
ORDER BY r.return_id DESC /*turns*/
LIMIT :page;

-- name: returns_of_range
-- The credit returns of a range of customers.
-- gives   the returns of customers after one and up to another
-- locks   none
SELECT r.customer_id, r.return_id, r.line_id, r.amount_minor, r.currency, r.payee_ref,
       r.requested_on, r.status, r.value_date, r.rail_reference, r.failure_code, r.settled_on,
       r.bounced_on, r.bounced_part_minor
FROM lending.credit_return AS r
WHERE r.customer_id > :after AND r.customer_id <= :through
ORDER BY r.customer_id, r.return_id;

-- name: add_credit_returns
-- New credit returns.
-- gives   nothing
-- locks   nothing
INSERT INTO lending.credit_return (
    customer_id, return_id, line_id, amount_minor, currency, payee_ref, requested_on, status,
    value_date, rail_reference, failure_code, settled_on, bounced_on, bounced_part_minor)
SELECT r.customer_id, r.return_id, r.line_id, r.amount_minor, r.currency, r.payee_ref,
       r.requested_on, r.status, r.value_date, r.rail_reference, r.failure_code, r.settled_on,
       r.bounced_on, r.bounced_part_minor
FROM unnest(:rows::lending.credit_return_v3[]) AS r;

-- name: change_credit_returns
-- Credit returns whose outcome is certain, or whose money came back after all; their line's
-- version guards them.
-- gives   one row a return that was changed
-- locks   the returns
UPDATE lending.credit_return AS c
SET status = r.status, value_date = r.value_date, rail_reference = r.rail_reference,
    failure_code = r.failure_code, settled_on = r.settled_on, bounced_on = r.bounced_on,
    bounced_part_minor = r.bounced_part_minor
FROM unnest(:rows::lending.credit_return_v3[]) AS r
CROSS JOIN LATERAL (
    SELECT o.ctid FROM lending.credit_return AS o
    WHERE o.customer_id = r.customer_id AND o.return_id = r.return_id
      AND (o.status, r.status) IN (
          ('requested', 'paid'), ('requested', 'failed'), ('paid', 'bounced'))
    OFFSET 0) AS at
WHERE c.ctid = at.ctid
RETURNING 1;
