-- What customers on the starter path have read about credit, as they say.
SET LOCAL lock_timeout = '3s';

CREATE TABLE customers.lesson_read (
    customer_id  bigint      NOT NULL,
    lesson       text        NOT NULL,
    read_at      timestamptz NOT NULL,
    CONSTRAINT lesson_read_pkey PRIMARY KEY (customer_id, lesson),
    CONSTRAINT lesson_read_by_a_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id)
);
CREATE TRIGGER lesson_read_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON customers.lesson_read FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_change();
