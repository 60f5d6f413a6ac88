-- A line carries the agreement that was signed for it, a loan the one it was drawn under and the
-- note that was confirmed. Lines and loans of before have none.
SET LOCAL lock_timeout = '3s';

ALTER TABLE lending.credit_line ADD COLUMN contract_id bigint;
ALTER TABLE lending.credit_line ADD COLUMN agreement_sha256 bytea;
ALTER TABLE lending.credit_line ADD CONSTRAINT line_agreement_is_whole CHECK (
    (contract_id IS NULL) = (agreement_sha256 IS NULL)
    AND (agreement_sha256 IS NULL OR octet_length(agreement_sha256) = 32)) NOT VALID;

ALTER TABLE lending.loan ADD COLUMN contract_id bigint;
ALTER TABLE lending.loan ADD COLUMN note_ref text;
ALTER TABLE lending.loan ADD COLUMN note_sha256 bytea;
ALTER TABLE lending.loan ADD CONSTRAINT loan_note_is_whole CHECK (
    (note_ref IS NULL) = (note_sha256 IS NULL)
    AND (note_sha256 IS NULL OR octet_length(note_sha256) = 32)) NOT VALID;

CREATE TYPE lending.line_v3 AS (
    customer_id bigint, line_id bigint, application_id bigint, product_code text,
    product_version integer, lender_id text, currency text, status text, limit_minor bigint,
    rate_daily_e8 integer, repayment_day smallint, opened_on date, valid_to date, version bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    frozen_until date, status_reason text, next_cap_minor bigint, next_cap_on date,
    day_changed_on date, day_changes smallint, returning_minor bigint, contract_id bigint,
    agreement_sha256 bytea
);

CREATE TYPE lending.line_change_v3 AS (
    customer_id bigint, line_id bigint, stored_version bigint, status text, limit_minor bigint,
    own_cap_minor bigint, principal_minor bigint, held_minor bigint, credit_minor bigint,
    repayment_day smallint, frozen_until date, status_reason text, next_cap_minor bigint,
    next_cap_on date, day_changed_on date, day_changes smallint, version bigint,
    returning_minor bigint, contract_id bigint, agreement_sha256 bytea
);

CREATE TYPE lending.loan_v2 AS (
    customer_id bigint, loan_id bigint, line_id bigint, product_code text,
    product_version integer, lender_id text, currency text, method text, purpose text,
    payee_ref text, cost_sheet_hash bytea, original_minor bigint, rate_daily_e8 integer,
    penalty_daily_e8 integer, grace_days smallint, tenor_months smallint,
    repayment_day smallint, requested_on date, contract_id bigint, note_ref text, note_sha256 bytea
);
