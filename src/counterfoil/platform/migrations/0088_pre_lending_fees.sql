-- Fees that are charged, changes of plan, and payouts that came back.
--
-- A loan keeps the fees that were agreed to with it; a charge that is not among them is refused
-- here, whatever decided it. New columns have constant defaults, so no row is rewritten.
SET LOCAL lock_timeout = '3s';

ALTER TABLE lending.loan ADD COLUMN fees text;
ALTER TABLE lending.loan ADD COLUMN due_fee_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.loan ADD COLUMN due_guarantee_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.loan ADD COLUMN fee_paid_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.loan ADD COLUMN guarantee_paid_minor bigint NOT NULL DEFAULT 0;
-- Rate, surcharge and tenor as signed, where a change of plan has put others in their place.
ALTER TABLE lending.loan ADD COLUMN signed integer[];
-- How long the cost sheet was before the customer, by the server's clock.
ALTER TABLE lending.loan ADD COLUMN sheet_read_ms integer;
ALTER TABLE lending.loan ADD CONSTRAINT loan_fees_are_agreed CHECK (
    due_fee_minor >= 0 AND due_guarantee_minor >= 0
    AND (fees IS NOT NULL OR (due_fee_minor = 0 AND due_guarantee_minor = 0
        AND fee_paid_minor = 0 AND guarantee_paid_minor = 0))
    AND (status NOT IN ('closed', 'cancelled')
        OR (due_fee_minor = 0 AND due_guarantee_minor = 0))) NOT VALID;
ALTER TABLE lending.loan ADD CONSTRAINT loan_signed_is_whole CHECK (
    signed IS NULL OR cardinality(signed) = 3) NOT VALID;

ALTER TABLE lending.instalment ADD COLUMN fee_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.instalment ADD COLUMN guarantee_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.instalment ADD COLUMN fee_paid_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.instalment ADD COLUMN guarantee_paid_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.instalment ADD CONSTRAINT instalment_fees_paid_within_due CHECK (
    fee_paid_minor BETWEEN 0 AND fee_minor
    AND guarantee_paid_minor BETWEEN 0 AND guarantee_minor
    AND (settled_on IS NULL
        OR (fee_paid_minor = fee_minor AND guarantee_paid_minor = guarantee_minor))) NOT VALID;

ALTER TABLE lending.loan_transaction ADD COLUMN fee_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE lending.loan_transaction ADD COLUMN guarantee_minor bigint NOT NULL DEFAULT 0;
-- Rate, surcharge and tenor from its value date on, of a change of plan.
ALTER TABLE lending.loan_transaction ADD COLUMN plan integer[];
ALTER TABLE lending.loan_transaction DROP CONSTRAINT transaction_parts_add_up;
ALTER TABLE lending.loan_transaction ADD CONSTRAINT transaction_parts_add_up CHECK (
    amount_minor = principal_minor + interest_minor + penalty_minor + excess_minor
        + fee_minor + guarantee_minor) NOT VALID;
ALTER TABLE lending.loan_transaction DROP CONSTRAINT transaction_kind_known;
ALTER TABLE lending.loan_transaction ADD CONSTRAINT transaction_kind_known CHECK (kind IN (
    'disbursement', 'repayment', 'reversal', 'reallocation', 'redating', 'replan',
    'payout_returned')) NOT VALID;
ALTER TABLE lending.loan_transaction ADD CONSTRAINT replan_moves_no_money CHECK (
    (kind = 'replan') = (plan IS NOT NULL)
    AND (kind <> 'replan' OR (cardinality(plan) = 3 AND amount_minor = 0))) NOT VALID;

-- Runs only for a transaction with a fee in it.
CREATE FUNCTION lending.refuse_fee_not_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    agreed jsonb;
BEGIN
    SELECT o.fees::jsonb INTO agreed FROM lending.loan AS o
    WHERE o.customer_id = NEW.customer_id AND o.loan_id = NEW.loan_id;
    IF (NEW.fee_minor <> 0 AND NOT coalesce(agreed @> '[{"payee": "lender"}]', false))
        OR (NEW.guarantee_minor <> 0 AND NOT coalesce(agreed @> '[{"payee": "guarantor"}]', false))
    THEN
        RAISE EXCEPTION 'fee_not_on_the_sheet' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'fee_not_on_the_sheet', TABLE = 'loan_transaction', SCHEMA = 'lending';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fee_not_on_the_sheet BEFORE INSERT ON lending.loan_transaction
FOR EACH ROW WHEN (NEW.fee_minor <> 0 OR NEW.guarantee_minor <> 0)
EXECUTE FUNCTION lending.refuse_fee_not_agreed();

ALTER TABLE lending.accrual_day ADD COLUMN fee_receivable_minor bigint NOT NULL DEFAULT 0;

CREATE TYPE lending.loan_v3 AS (
    customer_id bigint, loan_id bigint, line_id bigint, product_code text,
    product_version integer, lender_id text, currency text, method text, purpose text,
    payee_ref text, cost_sheet_hash bytea, original_minor bigint, rate_daily_e8 integer,
    penalty_daily_e8 integer, grace_days smallint, tenor_months smallint,
    repayment_day smallint, requested_on date, contract_id bigint, note_ref text,
    note_sha256 bytea, fees text, sheet_read_ms integer
);

CREATE TYPE lending.loan_change_v2 AS (
    customer_id bigint, loan_id bigint, status text, start_date date, first_due_date date,
    maturity_date date, closed_on date, principal_minor bigint, due_principal_minor bigint,
    penal_principal_minor bigint, due_interest_minor bigint, accrued_interest_e8 bigint,
    accrued_penalty_e8 bigint, accrued_to date, instalment_minor bigint, advance_minor bigint,
    next_instalment_no smallint, next_due_date date, next_event_on date, oldest_due_date date,
    bucket smallint, interest_paid_minor bigint, penalty_paid_minor bigint,
    last_sequence integer, version bigint, rate_daily_e8 integer, penalty_daily_e8 integer,
    tenor_months smallint, due_fee_minor bigint, due_guarantee_minor bigint,
    fee_paid_minor bigint, guarantee_paid_minor bigint, signed integer[]
);

CREATE TYPE lending.instalment_v2 AS (
    customer_id bigint, loan_id bigint, instalment_no smallint, due_date date,
    principal_minor bigint, interest_minor bigint, principal_paid_minor bigint,
    interest_paid_minor bigint, penal boolean, settled_on date, fee_minor bigint,
    guarantee_minor bigint, fee_paid_minor bigint, guarantee_paid_minor bigint
);

CREATE TYPE lending.transaction_v2 AS (
    customer_id bigint, transaction_id bigint, loan_id bigint, line_id bigint,
    sequence integer, kind text, value_date date, book_date date, posted_at timestamptz,
    amount_minor bigint, principal_minor bigint, interest_minor bigint, penalty_minor bigint,
    excess_minor bigint, mode text, repayment_id bigint, relates_to bigint, channel text,
    reason text, idempotency_key text, fee_minor bigint, guarantee_minor bigint, plan integer[]
);
