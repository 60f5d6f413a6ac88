-- A root is kept for every size that was signed, for ever. Roots of sizes at which a batch ended and
-- nothing was signed, ten of them a second, go as soon as a later size is signed: nothing names them.
SET LOCAL lock_timeout = '3s';

DROP TRIGGER checkpoint_stays ON evidence.checkpoint;

DELETE FROM evidence.checkpoint AS c
WHERE c.size < (SELECT max(n.size) FROM evidence.note AS n)
  AND NOT EXISTS (SELECT FROM evidence.note AS n WHERE n.size = c.size);

CREATE FUNCTION evidence.keep_checkpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND 'on' IN (
        current_setting('counterfoil.refilling', true), current_setting('counterfoil.thinning', true)
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'evidence.checkpoint is only ever added to' USING ERRCODE = 'CF003';
END $$;
CREATE TRIGGER checkpoint_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_checkpoints();

-- Thinning takes out what lies below a signed size and was not signed itself, and nothing else.
CREATE FUNCTION evidence.keep_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('counterfoil.refilling', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF EXISTS (SELECT FROM evidence.note WHERE size = OLD.size)
       OR NOT EXISTS (SELECT FROM evidence.note WHERE size > OLD.size) THEN
        RAISE EXCEPTION 'evidence.checkpoint is only ever added to' USING ERRCODE = 'CF003';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER checkpoint_is_kept BEFORE DELETE ON evidence.checkpoint
FOR EACH ROW EXECUTE FUNCTION evidence.keep_checkpoint();
