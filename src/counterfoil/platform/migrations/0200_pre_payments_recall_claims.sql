-- What is claimed of whoever was paid twice: by the money that came in, and by its bank's recall.
SET LOCAL lock_timeout = '3s';

CREATE TABLE payments.recall_claim (
    rail             text        NOT NULL,
    statement_date   date        NOT NULL,
    -- The line of the recall.
    line_no          integer     NOT NULL,
    -- In whose books it stands.
    claim_lender_id  text        NOT NULL,
    claimed_minor    bigint      NOT NULL,
    claim_paid_minor bigint      NOT NULL DEFAULT 0,
    -- Given up: a loss.
    claim_lost_minor bigint      NOT NULL DEFAULT 0,
    claimed_at       timestamptz NOT NULL,
    CONSTRAINT recall_claim_pkey PRIMARY KEY (rail, statement_date, line_no),
    CONSTRAINT recall_claim_of_recall FOREIGN KEY (rail, statement_date, line_no)
        REFERENCES payments.received (rail, statement_date, line_no),
    CONSTRAINT recall_claim_parts CHECK (
        claimed_minor > 0 AND claim_paid_minor >= 0 AND claim_lost_minor >= 0
        AND claim_paid_minor + claim_lost_minor <= claimed_minor)
);

CREATE FUNCTION payments.keep_recall_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE'
       OR (OLD.rail, OLD.statement_date, OLD.line_no, OLD.claim_lender_id, OLD.claimed_minor,
           OLD.claimed_at)
          IS DISTINCT FROM
          (NEW.rail, NEW.statement_date, NEW.line_no, NEW.claim_lender_id, NEW.claimed_minor,
           NEW.claimed_at)
       OR NEW.claim_paid_minor < OLD.claim_paid_minor
       OR NEW.claim_lost_minor < OLD.claim_lost_minor
    THEN
        RAISE EXCEPTION 'a claim stays, and only shrinks' USING ERRCODE = 'CF003';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER recall_claim_kept
BEFORE UPDATE OR DELETE ON payments.recall_claim
FOR EACH ROW EXECUTE FUNCTION payments.keep_recall_claim();
