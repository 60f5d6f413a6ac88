-- Steps of an application that were not timed apart: the check of an identity, and the reading of
-- the cost sheet and of the agreement.
SET LOCAL lock_timeout = '3s';

-- When the check was asked for; NULL on checks of before, which are not timed.
ALTER TABLE customers.identity_check ADD COLUMN asked_at timestamptz;

CREATE VIEW reporting.identity_timing AS
SELECT customer_id, check_id, kind, asked_at, recorded_at
FROM customers.identity_check
WHERE asked_at IS NOT NULL;

CREATE VIEW reporting.contract_showing AS
SELECT customer_id, contract_id, part, language, shown_at
FROM contracts.showing;
