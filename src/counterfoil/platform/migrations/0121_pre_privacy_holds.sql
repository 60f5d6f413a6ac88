-- What stops a legal hold, and what goes with an erasure: answers that were not accepted end with the
-- data life of their consent, and a leaf that waits for its number loses what would open it.
SET LOCAL lock_timeout = '3s';

-- Customers of whom nothing may be destroyed at present.
CREATE VIEW reporting.customer_on_hold AS
SELECT DISTINCT customer_id FROM privacy.legal_hold WHERE lifted_at IS NULL;
CREATE INDEX legal_hold_standing ON privacy.legal_hold (customer_id) WHERE lifted_at IS NULL;

-- Null in rows from before: thirty days after they came.
ALTER TABLE bureau.answer_kept ADD COLUMN expires_at bigint;
ALTER TABLE bureau.answer_kept ADD COLUMN erased_at bigint;
ALTER TABLE bureau.answer_kept ALTER COLUMN sealed DROP NOT NULL;
ALTER TABLE bureau.answer_kept ADD CONSTRAINT answer_kept_is_there_or_erased
    CHECK ((sealed IS NULL) = (erased_at IS NOT NULL));
CREATE INDEX answer_kept_expiring
    ON bureau.answer_kept (coalesce(expires_at, received_at + 2592000)) WHERE erased_at IS NULL;
CREATE TYPE bureau.answer_kept_v2 AS (
    customer_id bigint, answer_id bigint, inquiry_id bigint, fault text, detail text,
    reference text, sealed bytea, sealed_sha256 bytea, received_at bigint, expires_at bigint
);

-- The only change of a kept answer: what is sealed goes, once, and the rest stays.
CREATE FUNCTION bureau.keep_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sealed IS NOT NULL AND NEW.sealed IS NULL
       AND to_jsonb(NEW) - 'sealed' - 'erased_at' = to_jsonb(OLD) - 'sealed' - 'erased_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;
DROP TRIGGER answer_kept_append_only ON bureau.answer_kept;
CREATE TRIGGER answer_kept_append_only BEFORE DELETE OR TRUNCATE ON bureau.answer_kept
FOR EACH STATEMENT EXECUTE FUNCTION bureau.refuse_change();
CREATE TRIGGER answer_kept_stays BEFORE UPDATE ON bureau.answer_kept
FOR EACH ROW EXECUTE FUNCTION bureau.keep_answer();

-- How often a report served again, counted by when.
CREATE INDEX opening_reused ON bureau.opening (opening_id) WHERE is_reuse;

-- Statements that went lately, and with them perhaps their customers' keys.
CREATE INDEX statement_erased ON capacity.statement (erased_at) WHERE erased_at IS NOT NULL;

-- A leaf that was staged for a customer whose key is destroyed keeps its commitment alone.
ALTER TABLE evidence.leaf_staged ALTER COLUMN salt DROP NOT NULL;
ALTER TABLE evidence.leaf_staged DROP CONSTRAINT leaf_staged_has_a_body;
ALTER TABLE evidence.leaf_staged ADD CONSTRAINT leaf_staged_has_a_body CHECK (
    CASE WHEN salt IS NULL THEN body IS NULL ELSE (command_key IS NULL) <> (body IS NULL) END);
