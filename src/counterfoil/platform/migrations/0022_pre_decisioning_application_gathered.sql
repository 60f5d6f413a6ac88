-- When everything was there that a decision needs: the steps of an application are timed apart.
SET LOCAL lock_timeout = '3s';

ALTER TABLE decisioning.application ADD COLUMN gathered_at timestamptz;

CREATE OR REPLACE VIEW reporting.application AS
SELECT customer_id, application_id, product_code, product_version, currency::text AS currency,
       requested_minor, purpose, status, received_at, decided_at, ended_at, outcome, decided_by,
       decision_reason, grade, points, limit_minor, rate_daily_e8, tenors_months, reasons,
       policy_hash, policy_version, valid_until, line_id, gathered_at
FROM decisioning.application;
