-- Returned credit of which a part came back: that part is the customer's credit again.
SET LOCAL lock_timeout = '3s';

-- What of it came back; NULL where nothing did, or all of it.
ALTER TABLE lending.credit_return ADD COLUMN bounced_part_minor bigint;
ALTER TABLE lending.credit_return ADD CONSTRAINT credit_return_bounced_part CHECK (
    bounced_part_minor IS NULL
    OR (status = 'bounced' AND bounced_part_minor BETWEEN 1 AND amount_minor - 1)) NOT VALID;

CREATE TYPE lending.credit_return_v3 AS (
    customer_id bigint, return_id bigint, line_id bigint, amount_minor bigint, currency text,
    payee_ref text, requested_on date, status text, value_date date, rail_reference text,
    failure_code text, settled_on date, bounced_on date, bounced_part_minor bigint
);

CREATE OR REPLACE VIEW reporting.credit_return AS
SELECT customer_id, return_id, line_id, amount_minor, currency::text AS currency, requested_on,
       status, value_date, rail_reference, failure_code, settled_on, bounced_on, bounced_part_minor
FROM lending.credit_return;
