-- Customers without personal data, and the vault that holds theirs encrypted.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS customers;
CREATE SCHEMA IF NOT EXISTS privacy;

CREATE TABLE customers.customer (
    customer_id  bigint      NOT NULL,
    status       text        NOT NULL,
    language     text        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT customer_pkey PRIMARY KEY (customer_id),
    CONSTRAINT customer_status_is_known CHECK (status IN ('active', 'restricted', 'closed')),
    CONSTRAINT customer_language_is_known CHECK (language IN ('zh', 'en'))
);

-- One data key per customer and purpose, wrapped by the key-encryption key that is named.
-- Destroying the row destroys what was encrypted under it.
CREATE TABLE privacy.data_key (
    customer_id  bigint      NOT NULL,
    purpose      text        NOT NULL,
    wrapped_by   text        NOT NULL,
    wrapped_key  bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT data_key_pkey PRIMARY KEY (customer_id, purpose),
    CONSTRAINT data_key_purpose_is_known CHECK (purpose IN ('identity', 'contact', 'payout')),
    CONSTRAINT data_key_is_wrapped CHECK (octet_length(wrapped_key) > 32)
);

-- One encrypted set of fields. The first byte of the ciphertext names the suite.
CREATE TABLE privacy.sealed_record (
    customer_id  bigint      NOT NULL,
    purpose      text        NOT NULL,
    field_set    text        NOT NULL,
    ciphertext   bytea       NOT NULL,
    sealed_at    timestamptz NOT NULL,
    CONSTRAINT sealed_record_pkey PRIMARY KEY (customer_id, purpose),
    CONSTRAINT sealed_record_has_its_key FOREIGN KEY (customer_id, purpose)
        REFERENCES privacy.data_key (customer_id, purpose) ON DELETE CASCADE,
    CONSTRAINT sealed_record_has_a_tag CHECK (octet_length(ciphertext) >= 29)
);

-- The directory by which a person is found: keyed digests, never numbers. It is the one table
-- about customers that is looked up, and would be distributed, by digest instead of by customer;
-- that an identity number belongs to one customer only can be held nowhere else.
CREATE TABLE privacy.blind_index (
    kind         text   NOT NULL,
    digest       bytea  NOT NULL,
    customer_id  bigint NOT NULL,
    CONSTRAINT blind_index_pkey PRIMARY KEY (kind, digest, customer_id),
    CONSTRAINT blind_index_kind_is_known CHECK (kind IN ('id_number', 'phone')),
    CONSTRAINT blind_index_digest_length CHECK (octet_length(digest) = 16)
);
CREATE UNIQUE INDEX identity_needs_check ON privacy.blind_index (digest)
    WHERE kind = 'id_number';
CREATE INDEX blind_index_customer ON privacy.blind_index (customer_id);

-- Every look at personal data in clear by a person: who, whose, what for. Append-only.
CREATE TABLE privacy.reveal (
    customer_id  bigint      NOT NULL,
    reveal_id    bigint      NOT NULL,
    purpose      text        NOT NULL,
    revealed_to  text        NOT NULL,
    reason       text        NOT NULL,
    revealed_at  timestamptz NOT NULL,
    CONSTRAINT reveal_pkey PRIMARY KEY (customer_id, reveal_id),
    CONSTRAINT reveal_has_a_reason CHECK (length(btrim(reason)) > 0)
);
