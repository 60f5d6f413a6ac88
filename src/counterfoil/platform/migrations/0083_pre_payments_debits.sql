-- Mandates for auto-debit, and what is collected under them.
SET LOCAL lock_timeout = '3s';

-- That a customer lets us collect from an account of their own. The account is a token.
CREATE TABLE payments.mandate (
    customer_id   bigint      NOT NULL,
    mandate_id    bigint      NOT NULL,
    line_id       bigint      NOT NULL,
    account_ref   text        NOT NULL,
    template      text        NOT NULL,
    language      text        NOT NULL,
    text_sha256   bytea       NOT NULL,
    starts_on     date        NOT NULL,
    ends_on       date        NOT NULL,
    signed_at     timestamptz NOT NULL,
    revoked_at    timestamptz,
    revoked_by    text,
    CONSTRAINT mandate_pkey PRIMARY KEY (customer_id, mandate_id),
    CONSTRAINT mandate_text_is_sha256 CHECK (octet_length(text_sha256) = 32),
    CONSTRAINT mandate_ends_after_it_starts CHECK (ends_on > starts_on),
    CONSTRAINT mandate_revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
-- One account a line at a time.
CREATE UNIQUE INDEX mandate_in_force ON payments.mandate (customer_id, line_id)
    WHERE revoked_at IS NULL;
CREATE INDEX mandate_walk ON payments.mandate (mandate_id) WHERE revoked_at IS NULL;
CREATE TRIGGER mandate_text_fixed BEFORE UPDATE ON payments.mandate
FOR EACH ROW WHEN (
    (NEW.customer_id, NEW.mandate_id, NEW.line_id, NEW.account_ref, NEW.template, NEW.language,
     NEW.text_sha256, NEW.starts_on, NEW.ends_on, NEW.signed_at)
    IS DISTINCT FROM
    (OLD.customer_id, OLD.mandate_id, OLD.line_id, OLD.account_ref, OLD.template, OLD.language,
     OLD.text_sha256, OLD.starts_on, OLD.ends_on, OLD.signed_at)
    OR OLD.revoked_at IS NOT NULL)
EXECUTE FUNCTION payments.refuse_change();

-- One presentation of what is due to the customer's bank, under one reference for ever.
CREATE TABLE payments.debit (
    customer_id     bigint      NOT NULL,
    debit_id        bigint      NOT NULL,
    mandate_id      bigint      NOT NULL,
    line_id         bigint      NOT NULL,
    loan_id         bigint      NOT NULL,
    lender_id       text        NOT NULL,
    due_on          date        NOT NULL,
    presentation_no smallint    NOT NULL,
    amount_minor    bigint      NOT NULL,
    currency        text        NOT NULL,
    account_ref     text        NOT NULL,
    rail            text        NOT NULL,
    business_date   date        NOT NULL,
    status          text        NOT NULL,
    sends           smallint    NOT NULL DEFAULT 0,
    asks            smallint    NOT NULL DEFAULT 0,
    act_no          integer     NOT NULL DEFAULT 0,
    sent_at         timestamptz,
    sent_on         date,
    is_not_seen     boolean     NOT NULL DEFAULT false,
    next_act_at     timestamptz,
    suspended_at    timestamptz,
    cause           text,
    outcome         text,
    value_date      date,
    rail_reference  text,
    failure_code    text,
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    CONSTRAINT debit_pkey PRIMARY KEY (customer_id, debit_id),
    CONSTRAINT debit_under_a_mandate FOREIGN KEY (customer_id, mandate_id)
        REFERENCES payments.mandate (customer_id, mandate_id),
    CONSTRAINT debit_presented_once UNIQUE (customer_id, line_id, due_on, presentation_no),
    CONSTRAINT debit_status_known CHECK (status IN (
        'created', 'sent', 'unknown', 'succeeded', 'failed')),
    CONSTRAINT debit_outcome_known CHECK (outcome IN ('succeeded', 'failed')),
    CONSTRAINT debit_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT debit_success_has_a_day CHECK (
        outcome IS DISTINCT FROM 'succeeded' OR value_date IS NOT NULL),
    CONSTRAINT debit_failure_has_a_code CHECK (
        outcome IS DISTINCT FROM 'failed' OR failure_code IS NOT NULL),
    CONSTRAINT debit_finished_as_known CHECK (
        (finished_at IS NOT NULL) = (status IN ('succeeded', 'failed'))),
    CONSTRAINT debit_suspended_with_a_cause CHECK ((suspended_at IS NULL) = (cause IS NULL))
);
-- While one presentation is open no second one is made: unknown is not failed.
CREATE UNIQUE INDEX debit_open_once ON payments.debit (customer_id, line_id)
    WHERE finished_at IS NULL;
CREATE INDEX debit_due ON payments.debit (next_act_at) WHERE next_act_at IS NOT NULL;
CREATE INDEX debit_by_number ON payments.debit (debit_id);
CREATE INDEX debit_by_value_date ON payments.debit (rail, value_date);

CREATE FUNCTION payments.refuse_debit_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'debit % cannot go from % to %', OLD.debit_id, OLD.status, NEW.status
        USING ERRCODE = 'CF001';
END $$;
CREATE TRIGGER debit_steps BEFORE UPDATE ON payments.debit
FOR EACH ROW WHEN (
    NEW.status <> OLD.status AND NOT (
        (OLD.status = 'created' AND NEW.status IN ('sent', 'failed'))
        OR (OLD.status = 'sent' AND NEW.status IN ('unknown', 'succeeded', 'failed'))
        OR (OLD.status = 'unknown' AND NEW.status IN ('sent', 'succeeded', 'failed')))
    OR (OLD.outcome IS NOT NULL AND NEW.outcome IS DISTINCT FROM OLD.outcome)
    OR (OLD.sends > 0 AND NEW.amount_minor <> OLD.amount_minor)
    OR (NEW.customer_id, NEW.debit_id, NEW.line_id, NEW.account_ref, NEW.rail)
        IS DISTINCT FROM (OLD.customer_id, OLD.debit_id, OLD.line_id, OLD.account_ref, OLD.rail))
EXECUTE FUNCTION payments.refuse_debit_step();

-- What was asked of the rail about a debit, before it was asked, and what it said.
CREATE TABLE payments.debit_attempt (
    customer_id  bigint      NOT NULL,
    debit_id     bigint      NOT NULL,
    act_no       integer     NOT NULL,
    act          text        NOT NULL,
    worker       text        NOT NULL,
    started_at   timestamptz NOT NULL,
    CONSTRAINT debit_attempt_pkey PRIMARY KEY (customer_id, debit_id, act_no),
    CONSTRAINT debit_attempt_of_debit FOREIGN KEY (customer_id, debit_id)
        REFERENCES payments.debit (customer_id, debit_id),
    CONSTRAINT debit_attempt_act_known CHECK (act IN ('send', 'ask'))
);
CREATE TRIGGER debit_attempt_append_only BEFORE UPDATE OR DELETE ON payments.debit_attempt
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

CREATE TABLE payments.debit_answer (
    customer_id  bigint      NOT NULL,
    debit_id     bigint      NOT NULL,
    act_no       integer     NOT NULL,
    answer       text        NOT NULL,
    detail       text,
    received_at  timestamptz NOT NULL,
    CONSTRAINT debit_answer_pkey PRIMARY KEY (customer_id, debit_id, act_no),
    CONSTRAINT debit_answer_to_an_attempt FOREIGN KEY (customer_id, debit_id, act_no)
        REFERENCES payments.debit_attempt (customer_id, debit_id, act_no)
);
CREATE TRIGGER debit_answer_append_only BEFORE UPDATE OR DELETE ON payments.debit_answer
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- What debits brought, by the day on which it was booked: reconciliation asks for it.
CREATE INDEX loan_transaction_auto_debit ON lending.loan_transaction (book_date)
    WHERE channel = 'auto_debit';
