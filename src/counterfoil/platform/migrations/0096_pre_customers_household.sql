-- Whom a customer names as of one household, under a consent; only both words together count.
SET LOCAL lock_timeout = '3s';

CREATE TABLE customers.household_word (
    -- Who speaks.
    customer_id  bigint      NOT NULL,
    word_id      bigint      NOT NULL,
    -- Who is named. Not a foreign key: links between tables stay with one customer.
    partner_id   bigint      NOT NULL,
    consent_id   bigint      NOT NULL,
    said_by      text        NOT NULL,
    said_at      timestamptz NOT NULL,
    CONSTRAINT household_word_pkey PRIMARY KEY (customer_id, word_id),
    CONSTRAINT household_word_of_a_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    -- A consent is about one other person.
    CONSTRAINT household_word_once UNIQUE (customer_id, consent_id),
    CONSTRAINT household_word_joins_two CHECK (customer_id <> partner_id)
);
CREATE INDEX household_word_pair ON customers.household_word (partner_id, customer_id);
CREATE TRIGGER household_word_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON customers.household_word FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_change();
