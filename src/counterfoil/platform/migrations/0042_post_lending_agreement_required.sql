-- Nothing new is held on a line behind which there is no signed agreement. Only after the new code
-- runs: the old one opened lines without.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION lending.refuse_hold_without_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'agreement_not_signed' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'agreement_not_signed', TABLE = 'credit_line', SCHEMA = 'lending';
END $$;
CREATE TRIGGER agreement_not_signed BEFORE UPDATE ON lending.credit_line
FOR EACH ROW WHEN (NEW.held_minor > OLD.held_minor AND NEW.agreement_sha256 IS NULL)
EXECUTE FUNCTION lending.refuse_hold_without_agreement();

ALTER TABLE lending.credit_line VALIDATE CONSTRAINT line_agreement_is_whole;
ALTER TABLE lending.loan VALIDATE CONSTRAINT loan_note_is_whole;
