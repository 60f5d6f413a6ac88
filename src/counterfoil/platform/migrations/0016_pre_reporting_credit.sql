-- Credit on its way back, and what a payout is of, for entry points. New columns stand last: a
-- view can only grow at its end.
SET LOCAL lock_timeout = '3s';

CREATE OR REPLACE VIEW reporting.line AS
SELECT l.customer_id, l.line_id, l.application_id, l.product_code, l.product_version,
       l.lender_id, l.currency::text AS currency, l.status, l.limit_minor, l.own_cap_minor,
       l.principal_minor, l.held_minor, l.credit_minor, l.rate_daily_e8, l.repayment_day,
       l.opened_on, l.valid_to, l.frozen_until, l.status_reason, l.version,
       CASE
           WHEN l.status = 'frozen' AND l.frozen_until < d.business_date
               THEN CASE WHEN d.business_date > l.valid_to THEN 'expired' END
           WHEN l.status <> 'active' THEN l.status
           WHEN d.business_date > l.valid_to THEN 'expired'
       END AS blocked_by,
       greatest(0, least(l.limit_minor, coalesce(l.own_cap_minor, l.limit_minor))
           - l.principal_minor - l.held_minor) AS headroom_minor,
       d.business_date, l.returning_minor
FROM lending.credit_line AS l
CROSS JOIN platform.business_date AS d;

CREATE OR REPLACE VIEW reporting.payment AS
SELECT customer_id, payment_id, direction, line_id, loan_id, lender_id, amount_minor,
       currency::text AS currency, rail, business_date, status, sends, asks, sent_at, sent_on,
       next_act_at, suspended_at, outcome, value_date, rail_reference, failure_code, created_at,
       finished_at, subject
FROM payments.payment;

CREATE VIEW reporting.credit_return AS
SELECT customer_id, return_id, line_id, amount_minor, currency::text AS currency, requested_on,
       status, value_date, rail_reference, failure_code, settled_on
FROM lending.credit_return;
