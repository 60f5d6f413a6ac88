-- What came in over a rail, as its statement shows it: refunds of merchants, payments of those
-- who fund promotions, and what only people can place.
SET LOCAL lock_timeout = '3s';

ALTER TABLE payments.statement_line DROP CONSTRAINT statement_line_kind_known;
ALTER TABLE payments.statement_line ADD CONSTRAINT statement_line_kind_known CHECK (
    kind IN ('paid', 'returned', 'fee', 'received')) NOT VALID;

CREATE TABLE payments.received (
    rail            text        NOT NULL,
    statement_date  date        NOT NULL,
    line_no         integer     NOT NULL,
    rail_reference  text        NOT NULL,
    -- What the payer named, where it is written like a reference of ours; else a dash.
    reference       text        NOT NULL,
    amount_minor    bigint      NOT NULL,
    currency        char(3)     NOT NULL,
    value_date      date        NOT NULL,
    status          text        NOT NULL,
    -- Why it lies before people, or did.
    cause           text,
    -- What of it was booked where it belongs.
    booked_minor    bigint      NOT NULL DEFAULT 0,
    -- How often it was tried: each time has shares of its own.
    turn_no         integer     NOT NULL DEFAULT 1,
    -- Where people say that it belongs; the payer's word stays beside it.
    assigned        text,
    -- Whose books held it meanwhile.
    lender_id       text,
    taken_at        timestamptz NOT NULL,
    settled_at      timestamptz,
    CONSTRAINT received_pkey PRIMARY KEY (rail, statement_date, line_no),
    CONSTRAINT received_of_a_line FOREIGN KEY (rail, statement_date, line_no)
        REFERENCES payments.statement_line (rail, statement_date, line_no),
    CONSTRAINT received_positive CHECK (
        amount_minor > 0 AND booked_minor BETWEEN 0 AND amount_minor AND turn_no > 0),
    CONSTRAINT received_status_known CHECK (
        status IN ('taken', 'booked', 'suspended', 'sent_back')),
    CONSTRAINT received_suspense_complete CHECK (
        status <> 'suspended' OR (cause IS NOT NULL AND lender_id IS NOT NULL)),
    CONSTRAINT received_settled CHECK (
        (settled_at IS NULL) = (status IN ('taken', 'suspended'))
        AND (status <> 'booked' OR booked_minor = amount_minor))
);
-- The same money is booked once, whichever statement shows it; another one under its reference is
-- for people.
CREATE UNIQUE INDEX received_once ON payments.received (rail, rail_reference)
    WHERE cause IS DISTINCT FROM 'twin_differs';
CREATE INDEX received_open ON payments.received (statement_date, rail, line_no)
    WHERE status IN ('taken', 'suspended');
CREATE FUNCTION payments.keep_received() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE'
       OR (OLD.rail, OLD.statement_date, OLD.line_no, OLD.rail_reference, OLD.reference,
           OLD.amount_minor, OLD.currency, OLD.value_date, OLD.taken_at)
          IS DISTINCT FROM
          (NEW.rail, NEW.statement_date, NEW.line_no, NEW.rail_reference, NEW.reference,
           NEW.amount_minor, NEW.currency, NEW.value_date, NEW.taken_at)
       OR OLD.settled_at IS NOT NULL OR NEW.booked_minor < OLD.booked_minor
    THEN
        RAISE EXCEPTION 'what came in stays as the statement shows it' USING ERRCODE = 'CF003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER received_kept BEFORE UPDATE OR DELETE ON payments.received
FOR EACH ROW EXECUTE FUNCTION payments.keep_received();
CREATE TRIGGER received_not_emptied BEFORE TRUNCATE ON payments.received
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- To which loans money of a merchant goes: decided once a turn, so that a crash repeats it.
CREATE TABLE payments.received_share (
    rail            text    NOT NULL,
    statement_date  date    NOT NULL,
    line_no         integer NOT NULL,
    turn_no         integer NOT NULL,
    customer_id     bigint  NOT NULL,
    loan_id         bigint  NOT NULL,
    amount_minor    bigint  NOT NULL,
    CONSTRAINT received_share_pkey PRIMARY KEY (
        rail, statement_date, line_no, turn_no, customer_id, loan_id),
    CONSTRAINT received_share_of_money FOREIGN KEY (rail, statement_date, line_no)
        REFERENCES payments.received (rail, statement_date, line_no),
    CONSTRAINT received_share_positive CHECK (amount_minor > 0)
);
CREATE TRIGGER received_share_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.received_share
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
