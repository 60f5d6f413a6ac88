-- Customers at the portal: the codes that they sign in with, and their sessions.
SET LOCAL lock_timeout = '3s';

-- A one-time code. A number that nobody has gets a row as well, under an identifier that no
-- customer has: who asks learns nothing, not even from the time the answer takes. So there is no
-- reference to the customer.
CREATE TABLE customers.portal_code (
    customer_id     bigint      NOT NULL,
    code_id         bigint      NOT NULL,
    -- Of the browser that asked: nobody else can use the code up.
    visitor_sha256  bytea       NOT NULL,
    mac             bytea       NOT NULL,
    issued_at       timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    attempts        smallint    NOT NULL DEFAULT 0,
    used_at         timestamptz,
    CONSTRAINT portal_code_pkey PRIMARY KEY (customer_id, code_id),
    CONSTRAINT portal_code_digests CHECK (
        octet_length(visitor_sha256) = 32 AND octet_length(mac) = 32),
    CONSTRAINT portal_code_expires_later CHECK (expires_at > issued_at)
);
CREATE INDEX portal_code_recent ON customers.portal_code (customer_id, issued_at DESC);

-- A session, or a link that opens one: a link has not been opened yet. The token is kept as its
-- digest alone.
CREATE TABLE customers.portal_session (
    customer_id    bigint      NOT NULL,
    session_id     bigint      NOT NULL,
    token_sha256   bytea       NOT NULL,
    -- Empty for everything a customer may do; otherwise the one act that the session is for.
    scope          text        NOT NULL,
    -- Where the customer goes back to when the act is done; empty where that is the portal.
    return_to      text        NOT NULL,
    made_at        timestamptz NOT NULL,
    opened_at      timestamptz,
    seen_at        timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    ended_at       timestamptz,
    CONSTRAINT portal_session_pkey PRIMARY KEY (customer_id, session_id),
    CONSTRAINT portal_session_digest CHECK (octet_length(token_sha256) = 32),
    CONSTRAINT portal_session_ends_later CHECK (ends_at > made_at),
    CONSTRAINT portal_session_return_is_short CHECK (length(return_to) <= 2000)
);
CREATE INDEX portal_session_recent ON customers.portal_session (customer_id, made_at DESC);

-- How long the cost sheet and the loan note of a drawdown were before the customer's eyes, measured
-- here: from the answer that showed them to the confirmation.
CREATE TABLE lending.sheet_reading (
    customer_id       bigint      NOT NULL,
    reading_id        bigint      NOT NULL,
    line_id           bigint      NOT NULL,
    cost_sheet_hash   bytea       NOT NULL,
    note_sha256       bytea       NOT NULL,
    language          text        NOT NULL,
    shown_at          timestamptz NOT NULL,
    confirmed_at      timestamptz NOT NULL,
    idempotency_key   text        NOT NULL,
    CONSTRAINT sheet_reading_pkey PRIMARY KEY (customer_id, reading_id),
    CONSTRAINT sheet_reading_digests CHECK (
        octet_length(cost_sheet_hash) = 32 AND octet_length(note_sha256) = 32),
    CONSTRAINT sheet_reading_takes_time CHECK (confirmed_at >= shown_at),
    CONSTRAINT sheet_reading_once UNIQUE (customer_id, idempotency_key)
);
CREATE TRIGGER sheet_reading_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.sheet_reading
FOR EACH STATEMENT EXECUTE FUNCTION lending.refuse_change();
