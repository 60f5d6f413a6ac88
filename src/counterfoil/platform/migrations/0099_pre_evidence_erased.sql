-- What a customer decides about a consent names its leaf in the log. And the sealed openings of a
-- customer's leaves go with their key: the leaf itself, its number and its commitment, stays.
SET LOCAL lock_timeout = '3s';

ALTER TABLE consents.consent_event ADD COLUMN leaf_id bigint;

CREATE FUNCTION evidence.keep_leaf() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('counterfoil.erasing', true) = 'on' AND NEW.sealed IS NULL
       AND to_jsonb(NEW) - 'sealed' = to_jsonb(OLD) - 'sealed' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'evidence.leaf is only ever added to' USING ERRCODE = 'CF003';
END $$;
CREATE FUNCTION evidence.refuse_leaf_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('counterfoil.erasing', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'evidence.leaf is only ever added to' USING ERRCODE = 'CF003';
END $$;

DROP TRIGGER leaf_stays ON evidence.leaf;
CREATE TRIGGER leaf_stays BEFORE DELETE OR TRUNCATE ON evidence.leaf
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('unsigned');
CREATE TRIGGER leaf_stays_as_it_is BEFORE UPDATE ON evidence.leaf
FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_leaf_change();
CREATE TRIGGER leaf_is_kept BEFORE UPDATE ON evidence.leaf
FOR EACH ROW EXECUTE FUNCTION evidence.keep_leaf();
