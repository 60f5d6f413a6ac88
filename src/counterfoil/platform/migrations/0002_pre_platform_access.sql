-- Who may come in: programs by API key, staff by password.
SET LOCAL lock_timeout = '3s';

-- A client's key. The secret itself is never stored: only its digest, and a few characters by
-- which the row is found and people recognise the key.
CREATE TABLE platform.api_key (
    api_key_id    bigint      NOT NULL,
    lookup        text        NOT NULL,
    digest        bytea       NOT NULL,
    client        text        NOT NULL,
    scopes        text[]      NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_on  date,
    CONSTRAINT api_key_pkey PRIMARY KEY (api_key_id),
    CONSTRAINT api_key_lookup_once UNIQUE (lookup),
    CONSTRAINT api_key_digest_is_sha256 CHECK (octet_length(digest) = 32),
    CONSTRAINT api_key_client_is_named CHECK (length(client) BETWEEN 1 AND 100),
    CONSTRAINT api_key_has_scopes CHECK (cardinality(scopes) > 0),
    CONSTRAINT api_key_expires_after_creation CHECK (expires_at > created_at)
);

-- A member of staff. The password is stored as scrypt with its own salt and cost.
CREATE TABLE platform.operator (
    operator_id      bigint      NOT NULL,
    name             text        NOT NULL,
    role             text        NOT NULL,
    password_scrypt  text        NOT NULL,
    created_at       timestamptz NOT NULL,
    disabled_at      timestamptz,
    CONSTRAINT operator_pkey PRIMARY KEY (operator_id),
    CONSTRAINT operator_name_is_plain CHECK (name ~ '^[a-z][a-z0-9._-]{0,63}$'),
    CONSTRAINT operator_name_once UNIQUE (name),
    CONSTRAINT operator_role_is_known CHECK (role IN (
        'administrator', 'operations', 'collector', 'risk_analyst', 'compliance', 'auditor',
        'finance'
    ))
);
