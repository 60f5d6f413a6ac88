-- That somebody lifts a measure, written before the line is told: what a crash cuts short is found
-- again and brought to its end.
SET LOCAL lock_timeout = '3s';

CREATE TABLE decisioning.measure_lifting (
    customer_id  bigint      NOT NULL,
    measure_id   bigint      NOT NULL,
    -- Whether it was wrong from its start; one that was lifted may still turn out to have been.
    is_wrong     boolean     NOT NULL,
    lifted_by    text        NOT NULL,
    -- Free text; identity and phone numbers in it are hidden before it is kept.
    reason       text        NOT NULL,
    asked_at     timestamptz NOT NULL,
    CONSTRAINT measure_lifting_pkey PRIMARY KEY (customer_id, measure_id, is_wrong),
    CONSTRAINT measure_lifting_of_a_measure FOREIGN KEY (customer_id, measure_id)
        REFERENCES decisioning.line_measure (customer_id, measure_id),
    CONSTRAINT measure_lifting_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER measure_lifting_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.measure_lifting
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();
