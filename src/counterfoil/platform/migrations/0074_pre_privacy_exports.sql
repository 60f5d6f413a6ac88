-- What has left the house in de-identified form, and whether this database holds real persons.
SET LOCAL lock_timeout = '3s';

CREATE TABLE privacy.data_export (
    export_id       bigint      NOT NULL,
    dataset         text        NOT NULL,
    recipient       text        NOT NULL,
    purpose         text        NOT NULL,
    assessment      text        NOT NULL,
    since           date,
    until           date,
    exported_by     text        NOT NULL,
    approval_id     bigint      NOT NULL,
    approved_by     text        NOT NULL,
    group_min       integer     NOT NULL,
    row_count       bigint      NOT NULL,
    person_count    bigint      NOT NULL,
    left_out_count  bigint      NOT NULL,
    smallest_group  bigint      NOT NULL,
    unique_ppm      bigint      NOT NULL,
    texts_hidden    bigint      NOT NULL,
    sha256          bytea       NOT NULL,
    exported_at     timestamptz NOT NULL,
    CONSTRAINT data_export_pkey PRIMARY KEY (export_id),
    CONSTRAINT data_export_once_approved UNIQUE (approval_id),
    CONSTRAINT data_export_by_two CHECK (approved_by <> exported_by),
    CONSTRAINT data_export_hash_is_sha256 CHECK (octet_length(sha256) = 32),
    CONSTRAINT data_export_keeps_its_least_group
        CHECK (group_min >= 2 AND row_count > 0 AND smallest_group >= group_min),
    CONSTRAINT data_export_counts
        CHECK (left_out_count >= 0 AND texts_hidden >= 0 AND unique_ppm BETWEEN 0 AND 1000000)
);

CREATE FUNCTION privacy.keep_export() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the register of exports is only ever added to' USING ERRCODE = 'CF003';
END $$;
CREATE TRIGGER data_export_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.data_export
FOR EACH STATEMENT EXECUTE FUNCTION privacy.keep_export();

-- Whether real persons' data has ever been in this database. A copy carries the mark along, and a
-- sandbox refuses to open it. It is set once and never taken back.
CREATE TABLE platform.data_origin (
    only_row     boolean     NOT NULL DEFAULT true,
    environment  text        NOT NULL,
    is_real      boolean     NOT NULL,
    marked_at    timestamptz NOT NULL,
    CONSTRAINT data_origin_pkey PRIMARY KEY (only_row),
    CONSTRAINT data_origin_is_one_row CHECK (only_row)
);

CREATE FUNCTION platform.keep_data_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.is_real AND NOT NEW.is_real) THEN
        RAISE EXCEPTION 'the mark of a database stays what it is' USING ERRCODE = 'CF003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER data_origin_stays BEFORE UPDATE OR DELETE ON platform.data_origin
FOR EACH ROW EXECUTE FUNCTION platform.keep_data_origin();
