-- The log's own tables are only ever added to, by the database's word as well. Taking back numbers
-- that nothing signed covers, when a log is refilled after a restore, has to say so for its
-- transaction; what was signed, witnessed or cosigned is never taken back.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION evidence.keep_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_ARGV[0] = 'unsigned'
       AND current_setting('counterfoil.refilling', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '%.% is only ever added to', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'CF003';
END $$;

CREATE TRIGGER log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.log
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('signed');
CREATE TRIGGER leaf_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.leaf
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('unsigned');
CREATE TRIGGER tile_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.tile
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('unsigned');
CREATE TRIGGER checkpoint_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('unsigned');
CREATE TRIGGER note_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.note
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('signed');
CREATE TRIGGER cosignature_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.cosignature
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('signed');
CREATE TRIGGER witnessed_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.witnessed
FOR EACH STATEMENT EXECUTE FUNCTION evidence.keep_log('signed');
