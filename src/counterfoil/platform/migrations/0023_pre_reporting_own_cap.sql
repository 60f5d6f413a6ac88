-- A raised own cap counts from its day on, also while nobody has touched the line since: the view
-- adds up the same parts that lending does when it decides on a drawdown.
SET LOCAL lock_timeout = '3s';

CREATE OR REPLACE VIEW reporting.line AS
SELECT l.customer_id, l.line_id, l.application_id, l.product_code, l.product_version,
       l.lender_id, l.currency::text AS currency, l.status, l.limit_minor, cap.own_cap_minor,
       l.principal_minor, l.held_minor, l.credit_minor, l.rate_daily_e8, l.repayment_day,
       l.opened_on, l.valid_to, l.frozen_until, l.status_reason, l.version,
       CASE
           WHEN l.status = 'frozen' AND l.frozen_until < d.business_date
               THEN CASE WHEN d.business_date > l.valid_to THEN 'expired' END
           WHEN l.status <> 'active' THEN l.status
           WHEN d.business_date > l.valid_to THEN 'expired'
       END AS blocked_by,
       greatest(0, least(l.limit_minor, coalesce(cap.own_cap_minor, l.limit_minor))
           - l.principal_minor - l.held_minor) AS headroom_minor,
       d.business_date, l.returning_minor
FROM lending.credit_line AS l
CROSS JOIN platform.business_date AS d
CROSS JOIN LATERAL (
    SELECT CASE WHEN l.next_cap_on <= d.business_date THEN l.next_cap_minor
           ELSE l.own_cap_minor END AS own_cap_minor) AS cap;
