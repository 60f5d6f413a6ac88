-- Payments, what was asked of the rails and what they said, statements, suspense, differences;
-- and the cursors by which consumers read the outbox.
SET LOCAL lock_timeout = '3s';

-- How far a consumer has read. A row is locked while its consumer works on a page and moves in
-- the transaction that records what the page caused.
CREATE TABLE platform.outbox_cursor (
    consumer      text    PRIMARY KEY,
    xid           xid8    NOT NULL DEFAULT '0',
    event_id      bigint  NOT NULL DEFAULT 0,
    leased_by     text,
    leased_until  timestamptz,
    CONSTRAINT outbox_cursor_lease_has_end CHECK ((leased_by IS NULL) = (leased_until IS NULL))
);

CREATE SCHEMA IF NOT EXISTS payments;

-- Money moving. The order never changes, the state only along the steps of payments/rail.py.
CREATE TABLE payments.payment (
    customer_id     bigint      NOT NULL,
    payment_id      bigint      NOT NULL,
    direction       text        NOT NULL,
    line_id         bigint      NOT NULL,
    loan_id         bigint,
    lender_id       text        NOT NULL,
    amount_minor    bigint      NOT NULL,
    currency        char(3)     NOT NULL,
    payee_ref       text        NOT NULL,
    rail            text        NOT NULL,
    business_date   date        NOT NULL,
    status          text        NOT NULL,
    sends           smallint    NOT NULL DEFAULT 0,
    asks            smallint    NOT NULL DEFAULT 0,
    act_no          integer     NOT NULL DEFAULT 0,
    hints           smallint    NOT NULL DEFAULT 0,
    sent_at         timestamptz,
    sent_on         date,
    is_not_seen     boolean     NOT NULL DEFAULT false,
    next_act_at     timestamptz,
    suspended_at    timestamptz,
    outcome         text,
    value_date      date,
    rail_reference  text,
    failure_code    text,
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (customer_id, payment_id),
    CONSTRAINT payment_direction_known CHECK (direction IN ('out', 'in')),
    CONSTRAINT payment_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT payment_out_is_of_a_loan CHECK (direction = 'in' OR payment_id = loan_id),
    CONSTRAINT payment_status_known CHECK (
        status IN ('created', 'held', 'sent', 'unknown', 'succeeded', 'failed')),
    CONSTRAINT payment_sent_was_sent CHECK (
        status NOT IN ('sent', 'unknown') OR (sends > 0 AND sent_at IS NOT NULL
        AND sent_on IS NOT NULL)),
    CONSTRAINT payment_outcome_known CHECK (outcome IN ('succeeded', 'failed')),
    CONSTRAINT payment_outcome_complete CHECK (
        (outcome = 'succeeded') IS NOT TRUE OR (value_date IS NOT NULL
        AND rail_reference IS NOT NULL AND sends > 0)),
    CONSTRAINT payment_failure_has_code CHECK (
        (outcome = 'failed') IS NOT TRUE OR failure_code IS NOT NULL),
    CONSTRAINT payment_finished_as_the_rail_said CHECK (
        status NOT IN ('succeeded', 'failed') OR (outcome = status AND finished_at IS NOT NULL))
) WITH (fillfactor = 70);

-- What the relay and the statement look for; a finished payment is in it only while it is checked.
-- (One payout per loan, for ever, is the primary key and payment_out_is_of_a_loan.)
CREATE INDEX payment_next_act ON payments.payment (next_act_at, customer_id, payment_id)
    WHERE next_act_at IS NOT NULL OR finished_at IS NULL;
-- A rail's callback and statement know the payment alone.
CREATE INDEX payment_by_id ON payments.payment (payment_id);
-- Payments arrive in the order of their days, so a block-range index costs next to nothing.
CREATE INDEX payment_days ON payments.payment USING brin (sent_on, value_date)
    WITH (pages_per_range = 32);

CREATE FUNCTION payments.refuse_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of payment %: % to %', TG_NAME, OLD.payment_id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = 'payment',
        SCHEMA = 'payments';
END $$;
CREATE TRIGGER payment_order_fixed BEFORE UPDATE ON payments.payment
FOR EACH ROW WHEN (
    (NEW.customer_id, NEW.payment_id, NEW.direction, NEW.line_id, NEW.loan_id, NEW.amount_minor,
     NEW.currency, NEW.payee_ref, NEW.rail, NEW.business_date)
    IS DISTINCT FROM
    (OLD.customer_id, OLD.payment_id, OLD.direction, OLD.line_id, OLD.loan_id, OLD.amount_minor,
     OLD.currency, OLD.payee_ref, OLD.rail, OLD.business_date))
EXECUTE FUNCTION payments.refuse_step();
CREATE TRIGGER payment_outcome_fixed BEFORE UPDATE ON payments.payment
FOR EACH ROW WHEN (OLD.outcome IS NOT NULL AND NEW.outcome IS DISTINCT FROM OLD.outcome)
EXECUTE FUNCTION payments.refuse_step();
CREATE TRIGGER payment_step_known BEFORE UPDATE ON payments.payment
FOR EACH ROW WHEN (
    NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('created', 'held'), ('held', 'sent'), ('held', 'failed'), ('sent', 'unknown'),
        ('sent', 'succeeded'), ('sent', 'failed'), ('unknown', 'sent'),
        ('unknown', 'succeeded'), ('unknown', 'failed')))
EXECUTE FUNCTION payments.refuse_step();

CREATE FUNCTION payments.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was asked of a rail and what it said is never changed or removed';
END $$;

-- "About to do this, number n, under our reference": committed before each call of a rail.
CREATE TABLE payments.payment_attempt (
    customer_id  bigint      NOT NULL,
    payment_id   bigint      NOT NULL,
    act_no       integer     NOT NULL,
    act          text        NOT NULL,
    reference    text        NOT NULL,
    worker       text        NOT NULL,
    started_at   timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id, act_no),
    FOREIGN KEY (customer_id, payment_id) REFERENCES payments.payment,
    CONSTRAINT attempt_act_known CHECK (act IN ('send', 'ask', 'verify'))
);
CREATE TRIGGER payment_attempt_append_only BEFORE UPDATE OR DELETE ON payments.payment_attempt
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- What came back for an attempt. No row: nobody lived to write it down.
CREATE TABLE payments.payment_answer (
    customer_id     bigint      NOT NULL,
    payment_id      bigint      NOT NULL,
    act_no          integer     NOT NULL,
    answer          text        NOT NULL,
    amount_minor    bigint,
    currency        char(3),
    value_date      date,
    rail_reference  text,
    detail          text,
    received_at     timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id, act_no),
    FOREIGN KEY (customer_id, payment_id, act_no) REFERENCES payments.payment_attempt,
    CONSTRAINT answer_known CHECK (answer IN (
        'paid', 'declined', 'returned', 'pending', 'not_seen', 'conflict', 'no_answer'))
);
CREATE TRIGGER payment_answer_append_only BEFORE UPDATE OR DELETE ON payments.payment_answer
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- An outbox event that should have been an order and is not. Nothing behind it waits for it.
CREATE TABLE payments.rejected_order (
    customer_id  bigint      NOT NULL,
    event_id     bigint      NOT NULL,
    subject_id   bigint      NOT NULL,
    reason       text        NOT NULL,
    rejected_at  timestamptz NOT NULL,
    PRIMARY KEY (customer_id, event_id)
);

-- Payments that only people can resolve: one proposes, another approves.
CREATE TABLE payments.suspense (
    customer_id    bigint      NOT NULL,
    payment_id     bigint      NOT NULL,
    case_no        smallint    NOT NULL,
    cause          text        NOT NULL,
    opened_at      timestamptz NOT NULL,
    resolution     text,
    value_date     date,
    note           text,
    first_person   text,
    proposed_at    timestamptz,
    second_person  text,
    approved_at    timestamptz,
    PRIMARY KEY (customer_id, payment_id, case_no),
    FOREIGN KEY (customer_id, payment_id) REFERENCES payments.payment,
    CONSTRAINT suspense_cause_known CHECK (cause IN (
        'not_on_statement', 'wrong_amount', 'reference_conflict', 'late_reversal',
        'contradiction', 'books_refused')),
    CONSTRAINT suspense_resolution_known CHECK (
        resolution IN ('succeeded', 'failed', 'noted')),
    CONSTRAINT suspense_proposal_complete CHECK (
        (resolution IS NULL) = (first_person IS NULL)
        AND (resolution IS NULL) = (proposed_at IS NULL)
        AND (resolution IS NULL) = (note IS NULL)
        AND ((resolution = 'succeeded') IS NOT TRUE OR value_date IS NOT NULL)),
    CONSTRAINT suspense_approval_complete CHECK (
        (second_person IS NULL) = (approved_at IS NULL)
        AND (second_person IS NULL OR first_person IS NOT NULL)),
    CONSTRAINT suspense_same_person CHECK (second_person IS DISTINCT FROM first_person
        OR first_person IS NULL)
);
CREATE UNIQUE INDEX suspense_open ON payments.suspense (customer_id, payment_id, cause)
    WHERE approved_at IS NULL;
CREATE INDEX suspense_age ON payments.suspense (opened_at, customer_id, payment_id, case_no)
    WHERE approved_at IS NULL;

-- A rail's own account of a day. The lines are the rail's data: their customers are not known yet.
CREATE TABLE payments.statement (
    rail            text        NOT NULL,
    statement_date  date        NOT NULL,
    sha256          text        NOT NULL,
    line_count      integer     NOT NULL,
    taken_at        timestamptz NOT NULL,
    PRIMARY KEY (rail, statement_date)
);
CREATE TABLE payments.statement_line (
    rail            text     NOT NULL,
    statement_date  date     NOT NULL,
    line_no         integer  NOT NULL,
    reference       text     NOT NULL,
    payment_id      bigint,
    kind            text     NOT NULL,
    amount_minor    bigint   NOT NULL,
    currency        char(3)  NOT NULL,
    value_date      date     NOT NULL,
    rail_reference  text     NOT NULL,
    PRIMARY KEY (rail, statement_date, line_no),
    FOREIGN KEY (rail, statement_date) REFERENCES payments.statement,
    CONSTRAINT statement_line_kind_known CHECK (kind IN ('paid', 'returned'))
);
CREATE INDEX statement_line_payment ON payments.statement_line (payment_id);
CREATE TRIGGER statement_line_append_only BEFORE UPDATE OR DELETE ON payments.statement_line
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- What three-way reconciliation found, with its age. A customer of 0: the order is not ours.
CREATE TABLE payments.difference (
    customer_id      bigint  NOT NULL,
    reference        text    NOT NULL,
    cause            text    NOT NULL,
    first_seen_on    date    NOT NULL,
    last_seen_on     date    NOT NULL,
    cleared_on       date,
    order_minor      bigint,
    statement_minor  bigint,
    ledger_minor     bigint,
    PRIMARY KEY (customer_id, reference, cause),
    CONSTRAINT difference_dates_in_order CHECK (
        first_seen_on <= last_seen_on AND (cleared_on IS NULL OR cleared_on >= first_seen_on))
);
CREATE INDEX difference_open ON payments.difference (first_seen_on, customer_id, reference, cause)
    WHERE cleared_on IS NULL;
