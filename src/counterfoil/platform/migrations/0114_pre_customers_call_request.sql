-- Customers who asked to be called back, and those who chose pages with one thing at a time.
SET LOCAL lock_timeout = '3s';

CREATE TABLE customers.call_request (
    customer_id   bigint      NOT NULL,
    call_id       bigint      NOT NULL,
    about         text        NOT NULL,
    -- When the customer likes to be called.
    slot          text        NOT NULL,
    -- In the customer's words, numbers of identity and telephone hidden; may be empty.
    said          text        NOT NULL,
    requested_at  timestamptz NOT NULL,
    -- Through whom it came.
    requested_by  text        NOT NULL,
    due_on        date        NOT NULL,
    status        text        NOT NULL,
    taken_by      text,
    -- How often somebody called without reaching the customer, and when last.
    missed        smallint    NOT NULL DEFAULT 0,
    missed_at     timestamptz,
    ended_at      timestamptz,
    ended_by      text,
    note          text,
    CONSTRAINT call_request_pkey PRIMARY KEY (customer_id, call_id),
    CONSTRAINT call_request_of_a_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    CONSTRAINT call_request_about_is_known CHECK (
        about IN ('application', 'offer', 'contract', 'repayment', 'other')
    ),
    CONSTRAINT call_request_slot_is_known CHECK (
        slot IN ('any', 'morning', 'afternoon', 'evening')
    ),
    CONSTRAINT call_request_status_is_known CHECK (
        status IN ('waiting', 'taken', 'reached', 'unreached', 'withdrawn')
    ),
    CONSTRAINT call_request_taken_by_somebody CHECK (status <> 'taken' OR taken_by IS NOT NULL),
    CONSTRAINT call_request_end_is_complete CHECK (
        (status IN ('waiting', 'taken')) = (ended_at IS NULL)
        AND (ended_at IS NULL) = (ended_by IS NULL)
    )
);
-- One request of a customer waits at a time.
CREATE UNIQUE INDEX call_request_open_once ON customers.call_request (customer_id)
    WHERE ended_at IS NULL;
CREATE INDEX call_request_due ON customers.call_request (due_on, call_id) WHERE ended_at IS NULL;

-- What somebody chose about the pages; the last word holds.
CREATE TABLE customers.plain_choice (
    customer_id  bigint      NOT NULL,
    choice_id    bigint      NOT NULL,
    is_plain     boolean     NOT NULL,
    chosen_at    timestamptz NOT NULL,
    CONSTRAINT plain_choice_pkey PRIMARY KEY (customer_id, choice_id),
    CONSTRAINT plain_choice_of_a_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id)
);
CREATE TRIGGER plain_choice_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON customers.plain_choice FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_change();
