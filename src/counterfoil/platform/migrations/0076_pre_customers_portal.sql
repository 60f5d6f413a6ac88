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
