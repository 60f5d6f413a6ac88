-- Returned credit that a rail confirmed and later took back: it is the customer's credit again.
SET LOCAL lock_timeout = '3s';

-- The book date on which it was the customer's credit again.
ALTER TABLE lending.credit_return ADD COLUMN bounced_on date;
ALTER TABLE lending.credit_return DROP CONSTRAINT credit_return_status_known;
ALTER TABLE lending.credit_return ADD CONSTRAINT credit_return_status_known CHECK (
    status IN ('requested', 'paid', 'failed', 'bounced')) NOT VALID;
ALTER TABLE lending.credit_return DROP CONSTRAINT credit_return_outcome_complete;
ALTER TABLE lending.credit_return ADD CONSTRAINT credit_return_outcome_complete CHECK (
    (settled_on IS NULL) = (status = 'requested')
    AND (value_date IS NULL) = (status NOT IN ('paid', 'bounced'))
    AND (rail_reference IS NULL) = (status NOT IN ('paid', 'bounced'))
    AND (failure_code IS NULL) = (status <> 'failed')
    AND (bounced_on IS NULL) = (status <> 'bounced')) NOT VALID;

CREATE TYPE lending.credit_return_v2 AS (
    customer_id bigint, return_id bigint, line_id bigint, amount_minor bigint, currency text,
    payee_ref text, requested_on date, status text, value_date date, rail_reference text,
    failure_code text, settled_on date, bounced_on date
);

CREATE OR REPLACE VIEW reporting.credit_return AS
SELECT customer_id, return_id, line_id, amount_minor, currency::text AS currency, requested_on,
       status, value_date, rail_reference, failure_code, settled_on, bounced_on
FROM lending.credit_return;
