-- Money that customers transfer by themselves, and what their banks recall of it.
SET LOCAL lock_timeout = '3s';

ALTER TABLE payments.statement_line DROP CONSTRAINT statement_line_kind_known;
ALTER TABLE payments.statement_line ADD CONSTRAINT statement_line_kind_known CHECK (
    kind IN ('paid', 'returned', 'fee', 'received', 'recalled')) NOT VALID;
-- The account of ours that it came to, where the rail says it.
ALTER TABLE payments.statement_line ADD COLUMN account text;
-- Keyed digest of the payer's name: compared with the customer's, and good for nothing else.
ALTER TABLE payments.statement_line ADD COLUMN payer_digest bytea;

ALTER TABLE payments.received
    -- `received`, or `recalled`: then the reference is the rail's number of what was received.
    ADD COLUMN kind text NOT NULL DEFAULT 'received',
    ADD COLUMN account text,
    ADD COLUMN payer_digest bytea;
ALTER TABLE payments.received
    ADD CONSTRAINT received_kind_known CHECK (kind IN ('received', 'recalled')) NOT VALID;

-- As whose repayment money was booked, or whose a recall took back.
CREATE TABLE payments.received_repayment (
    rail            text    NOT NULL,
    statement_date  date    NOT NULL,
    line_no         integer NOT NULL,
    customer_id     bigint  NOT NULL,
    repayment_id    bigint  NOT NULL,
    -- Whether the customer sent it; NULL where the rail does not say who did.
    is_own_money    boolean,
    CONSTRAINT received_repayment_pkey PRIMARY KEY (rail, statement_date, line_no, customer_id),
    CONSTRAINT received_repayment_of_money FOREIGN KEY (rail, statement_date, line_no)
        REFERENCES payments.received (rail, statement_date, line_no)
);
CREATE TRIGGER received_repayment_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.received_repayment
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- A bank may recall money under the number under which it came.
DROP INDEX payments.received_once;
CREATE UNIQUE INDEX received_once ON payments.received (rail, kind, rail_reference)
    WHERE cause IS DISTINCT FROM 'twin_differs';
CREATE INDEX received_recall_of ON payments.received (rail, reference) WHERE kind = 'recalled';

CREATE OR REPLACE FUNCTION payments.keep_received() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE'
       OR (OLD.rail, OLD.statement_date, OLD.line_no, OLD.rail_reference, OLD.reference,
           OLD.amount_minor, OLD.currency, OLD.value_date, OLD.taken_at, OLD.kind)
          IS DISTINCT FROM
          (NEW.rail, NEW.statement_date, NEW.line_no, NEW.rail_reference, NEW.reference,
           NEW.amount_minor, NEW.currency, NEW.value_date, NEW.taken_at, NEW.kind)
       OR (OLD.account, OLD.payer_digest) IS DISTINCT FROM (NEW.account, NEW.payer_digest)
       OR OLD.settled_at IS NOT NULL OR NEW.booked_minor < OLD.booked_minor
    THEN
        RAISE EXCEPTION 'what came in stays as the statement shows it' USING ERRCODE = 'CF003';
    END IF;
    RETURN NEW;
END $$;
