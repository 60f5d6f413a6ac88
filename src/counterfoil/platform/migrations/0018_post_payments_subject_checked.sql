-- The payments that were there before they had a subject hold to its checks too.
SET LOCAL lock_timeout = '3s';

ALTER TABLE payments.payment VALIDATE CONSTRAINT payment_subject_known;
ALTER TABLE payments.payment VALIDATE CONSTRAINT payment_out_has_a_subject;
