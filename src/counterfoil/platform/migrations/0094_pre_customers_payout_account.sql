-- Where a customer is paid, what a bank card check was about, and numbers that customers change.
SET LOCAL lock_timeout = '3s';

-- The keyed digest of the account that a check of a bank card was about; none of any other check.
ALTER TABLE customers.identity_check ADD COLUMN subject_digest bytea
    CONSTRAINT identity_check_subject_length
    CHECK (subject_digest IS NULL OR octet_length(subject_digest) = 16);

-- The account in the customer's own name; the last row holds.
CREATE TABLE customers.payout_account (
    customer_id    bigint      NOT NULL,
    account_id     bigint      NOT NULL,
    -- The token of the account, never its number.
    payee_ref      text        NOT NULL,
    registered_by  text        NOT NULL,
    registered_at  timestamptz NOT NULL,
    CONSTRAINT payout_account_pkey PRIMARY KEY (customer_id, account_id),
    CONSTRAINT payout_account_named CHECK (length(btrim(payee_ref)) > 0)
);
CREATE TRIGGER payout_account_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON customers.payout_account
FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_change();

-- A number that the customer changed, after identity checks, rests on no request.
ALTER TABLE privacy.former_record ALTER COLUMN request_id DROP NOT NULL;
