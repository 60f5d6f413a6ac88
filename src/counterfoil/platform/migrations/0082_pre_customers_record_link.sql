-- Two records of one person, joined by a link and parted again: steps are only ever added, and no
-- row of either record is touched.
SET LOCAL lock_timeout = '3s';

CREATE OR REPLACE FUNCTION customers.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

CREATE TABLE customers.record_link (
    -- The record that gives way.
    customer_id   bigint      NOT NULL,
    step_id       bigint      NOT NULL,
    link_id       bigint      NOT NULL,
    -- The record that goes on. Not a foreign key: links between tables stay with one customer.
    surviving_id  bigint      NOT NULL,
    step          text        NOT NULL,
    approval_id   bigint      NOT NULL,
    done_by       text        NOT NULL,
    done_at       timestamptz NOT NULL,
    CONSTRAINT record_link_pkey PRIMARY KEY (customer_id, step_id),
    CONSTRAINT record_link_of_a_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    CONSTRAINT record_link_step_is_known CHECK (
        step IN ('merge_proposed', 'merged', 'split_proposed', 'split')
    ),
    CONSTRAINT record_link_joins_two CHECK (customer_id <> surviving_id)
);
CREATE UNIQUE INDEX record_link_acts_once ON customers.record_link (customer_id, link_id, step)
    WHERE step IN ('merged', 'split');
CREATE INDEX record_link_surviving ON customers.record_link (surviving_id);
CREATE TRIGGER record_link_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON customers.record_link FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_change();

-- Which records are merged now.
CREATE VIEW customers.standing_link AS
SELECT merged.customer_id, merged.link_id, merged.surviving_id
FROM customers.record_link AS merged
WHERE merged.step = 'merged' AND NOT EXISTS (
    SELECT FROM customers.record_link AS split
    WHERE split.customer_id = merged.customer_id AND split.link_id = merged.link_id
      AND split.step = 'split'
);
