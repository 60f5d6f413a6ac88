-- A payout has a subject: a drawdown, or credit that goes back to the customer. Either way the
-- payment bears the number of its subject, so that one subject has one payout, for ever.
SET LOCAL lock_timeout = '3s';

ALTER TABLE payments.payment ADD COLUMN subject text NOT NULL DEFAULT 'drawdown';
ALTER TABLE payments.payment ADD CONSTRAINT payment_subject_known
    CHECK (subject IN ('drawdown', 'credit_return')) NOT VALID;
ALTER TABLE payments.payment ADD CONSTRAINT payment_out_has_a_subject CHECK (
    direction = 'in'
    OR (subject = 'drawdown' AND loan_id IS NOT NULL AND payment_id = loan_id)
    OR (subject = 'credit_return' AND loan_id IS NULL)) NOT VALID;
-- The new constraint says the same of drawdowns and more; the old one knows of loans alone.
ALTER TABLE payments.payment DROP CONSTRAINT payment_out_is_of_a_loan;

CREATE TRIGGER payment_subject_fixed BEFORE UPDATE ON payments.payment
FOR EACH ROW WHEN (NEW.subject <> OLD.subject)
EXECUTE FUNCTION payments.refuse_step();
