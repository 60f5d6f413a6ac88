-- What happened to a loan and to a line is never changed or removed; a correction is a new row.
--
-- Of statements, not of rows: rows that are added cost nothing more.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION lending.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;
CREATE TRIGGER loan_transaction_append_only BEFORE UPDATE OR DELETE ON lending.loan_transaction
FOR EACH STATEMENT EXECUTE FUNCTION lending.refuse_change();
CREATE TRIGGER line_event_append_only BEFORE UPDATE OR DELETE ON lending.line_event
FOR EACH STATEMENT EXECUTE FUNCTION lending.refuse_change();
