-- Customers whom no channel reaches: one open case a customer, with a clock, an owner, an outcome.
SET LOCAL lock_timeout = '3s';

CREATE TABLE customers.contact_case (
    customer_id   bigint      NOT NULL,
    case_id       bigint      NOT NULL,
    opened_at     timestamptz NOT NULL,
    -- The working day by which somebody reaches the customer.
    due_on        date        NOT NULL,
    -- A notice that the law asks for is among the messages.
    is_legal      boolean     NOT NULL,
    status        text        NOT NULL,
    taken_by      text,
    -- How often somebody tried without meeting the customer, and when last.
    attempts      smallint    NOT NULL DEFAULT 0,
    attempted_at  timestamptz,
    ended_at      timestamptz,
    ended_by      text,
    note          text,
    CONSTRAINT contact_case_pkey PRIMARY KEY (customer_id, case_id),
    CONSTRAINT contact_case_of_a_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    CONSTRAINT contact_case_status_is_known CHECK (
        status IN ('open', 'taken', 'told', 'sent_again', 'unreachable')
    ),
    CONSTRAINT contact_case_taken_by_somebody CHECK (status <> 'taken' OR taken_by IS NOT NULL),
    CONSTRAINT contact_case_end_is_complete CHECK (
        (status IN ('open', 'taken')) = (ended_at IS NULL)
        AND (ended_at IS NULL) = (ended_by IS NULL)
    )
);
-- One case of a customer is open at a time.
CREATE UNIQUE INDEX contact_case_open_once ON customers.contact_case (customer_id)
    WHERE ended_at IS NULL;
CREATE INDEX contact_case_due ON customers.contact_case (due_on, case_id) WHERE ended_at IS NULL;

ALTER TABLE customers.message ADD COLUMN contact_case_id bigint;
CREATE INDEX message_of_case ON customers.message (customer_id, contact_case_id)
    WHERE contact_case_id IS NOT NULL;

-- What lies before staff already becomes a case of each customer, due at once.
INSERT INTO customers.contact_case (customer_id, case_id, opened_at, due_on, is_legal, status)
SELECT m.customer_id, min(m.message_id), min(coalesce(m.ended_at, m.created_at)),
       min(coalesce(m.ended_at, m.created_at))::date, bool_or(m.is_legal), 'open'
FROM customers.message AS m
WHERE m.status = 'undeliverable'
GROUP BY m.customer_id;
UPDATE customers.message AS m
SET contact_case_id = c.case_id
FROM customers.contact_case AS c
WHERE m.status = 'undeliverable' AND c.customer_id = m.customer_id;
