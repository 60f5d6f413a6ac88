-- Debits that a bank took back after they were collected, and hints about debits.
SET LOCAL lock_timeout = '3s';

ALTER TABLE payments.debit ADD COLUMN hints smallint NOT NULL DEFAULT 0;
-- The day on which the bank took the whole amount back, by its statement or its answer.
ALTER TABLE payments.debit ADD COLUMN bounced_on date;
-- When the books had taken note of that.
ALTER TABLE payments.debit ADD COLUMN bounce_booked_at timestamptz;
ALTER TABLE payments.debit ADD CONSTRAINT debit_bounced_was_collected CHECK (
    (bounced_on IS NULL OR outcome IS NOT DISTINCT FROM 'succeeded')
    AND (bounce_booked_at IS NULL OR (bounced_on IS NOT NULL AND finished_at IS NOT NULL)))
    NOT VALID;

ALTER TABLE payments.debit_attempt DROP CONSTRAINT debit_attempt_act_known;
ALTER TABLE payments.debit_attempt ADD CONSTRAINT debit_attempt_act_known CHECK (
    act IN ('send', 'ask', 'verify')) NOT VALID;
