-- Addresses for e-mail and letters on their way into the vault, and how messages arrived.
SET LOCAL lock_timeout = '3s';

-- An address that waits for the code which proves that it is the customer's. The address itself is
-- nowhere but in the vault, and there only once it is proven: the keyed hash binds it to the code.
CREATE TABLE customers.address_request (
    customer_id      bigint      NOT NULL,
    request_id       bigint      NOT NULL,
    channel          text        NOT NULL,
    code_mac         bytea       NOT NULL,
    code_issued_at   timestamptz NOT NULL,
    code_expires_at  timestamptz NOT NULL,
    code_attempts    smallint    NOT NULL DEFAULT 0,
    author           text        NOT NULL,
    requested_at     timestamptz NOT NULL,
    confirmed_at     timestamptz,
    CONSTRAINT address_request_pkey PRIMARY KEY (customer_id, request_id),
    CONSTRAINT address_request_of_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    CONSTRAINT address_request_channel_known CHECK (channel IN ('email', 'letter')),
    CONSTRAINT address_request_mac_length CHECK (octet_length(code_mac) = 32)
);

-- Who carries messages may say later whether one arrived.
ALTER TABLE customers.message ADD COLUMN asks smallint NOT NULL DEFAULT 0;
ALTER TABLE customers.message DROP CONSTRAINT message_status_known;
ALTER TABLE customers.message ADD CONSTRAINT message_status_known CHECK (status IN (
    'queued', 'sent', 'delivered', 'undeliverable', 'withdrawn')) NOT VALID;
ALTER TABLE customers.message_attempt DROP CONSTRAINT message_attempt_outcome_known;
ALTER TABLE customers.message_attempt ADD CONSTRAINT message_attempt_outcome_known CHECK (
    outcome IN ('sent', 'failed', 'no_address', 'refused', 'delivered', 'bounced')) NOT VALID;
-- What nobody could deliver lies before staff.
CREATE INDEX message_undeliverable ON customers.message (message_id)
    WHERE status = 'undeliverable';
