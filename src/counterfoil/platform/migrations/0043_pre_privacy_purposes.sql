-- More is kept sealed than a person's particulars: openings of the log, reports, what a consent is
-- bound to, contracts. Customer 0 is the house itself.
SET LOCAL lock_timeout = '3s';

ALTER TABLE privacy.data_key DROP CONSTRAINT data_key_purpose_is_known;
ALTER TABLE privacy.data_key ADD CONSTRAINT data_key_purpose_is_known CHECK (purpose IN (
    'identity', 'contact', 'payout', 'evidence', 'report', 'subject', 'contract'
)) NOT VALID;
