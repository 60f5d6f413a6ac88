-- Grants by which persons look, holds and ends by which data is kept, and what was destroyed.
SET LOCAL lock_timeout = '3s';

-- The right to see some data of one customer in clear, for one purpose, until an instant.
CREATE TABLE privacy.access_grant (
    customer_id  bigint      NOT NULL,
    grant_id     bigint      NOT NULL,
    granted_to   text        NOT NULL,
    role         text        NOT NULL,
    purpose      text        NOT NULL,
    data         text[]      NOT NULL,
    ticket       text        NOT NULL,
    reason       text        NOT NULL,
    granted_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    approval_id  bigint,
    CONSTRAINT access_grant_pkey PRIMARY KEY (customer_id, grant_id),
    CONSTRAINT access_grant_has_a_reason CHECK (length(btrim(reason)) > 0),
    CONSTRAINT access_grant_is_for_something CHECK (cardinality(data) > 0),
    CONSTRAINT access_grant_ends CHECK (expires_at > granted_at)
);
CREATE INDEX access_grant_of_person ON privacy.access_grant (granted_to, granted_at);

ALTER TABLE privacy.reveal ADD COLUMN grant_id bigint;

-- While a hold stands nothing of the customer is erased.
CREATE TABLE privacy.legal_hold (
    customer_id  bigint      NOT NULL,
    hold_id      bigint      NOT NULL,
    reason       text        NOT NULL,
    ticket       text        NOT NULL,
    set_by       text        NOT NULL,
    set_at       timestamptz NOT NULL,
    lifted_by    text,
    lifted_at    timestamptz,
    CONSTRAINT legal_hold_pkey PRIMARY KEY (customer_id, hold_id),
    CONSTRAINT legal_hold_has_a_reason CHECK (length(btrim(reason)) > 0),
    CONSTRAINT legal_hold_lifted_by_somebody CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
);

-- Since when a class of a customer's data is not needed for its purpose any more.
CREATE TABLE privacy.retention (
    customer_id  bigint      NOT NULL,
    data_class   text        NOT NULL,
    ended_on     date        NOT NULL,
    keep_until   date,
    state        text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    CONSTRAINT retention_pkey PRIMARY KEY (customer_id, data_class),
    CONSTRAINT retention_state_is_known CHECK (state IN ('active', 'restricted', 'erased')),
    CONSTRAINT retention_keeps_after_the_end CHECK (keep_until >= ended_on)
);
CREATE INDEX retention_due ON privacy.retention (keep_until, customer_id)
    WHERE state <> 'erased';

-- What was destroyed, by which rule, and when it is gone from the last backup too.
CREATE TABLE privacy.erasure (
    customer_id     bigint      NOT NULL,
    erasure_id      bigint      NOT NULL,
    data_class      text        NOT NULL,
    rule            text        NOT NULL,
    keys_destroyed  integer     NOT NULL,
    gone_by         date        NOT NULL,
    approval_id     bigint      NOT NULL,
    erased_by       text        NOT NULL,
    erased_at       timestamptz NOT NULL,
    leaf_id         bigint      NOT NULL,
    CONSTRAINT erasure_pkey PRIMARY KEY (customer_id, erasure_id),
    CONSTRAINT erasure_counts CHECK (keys_destroyed >= 0)
);

-- The change of a wrapping key or of the secret of the blind index.
CREATE TABLE privacy.key_rotation (
    rotation_id  bigint      NOT NULL,
    kind         text        NOT NULL,
    old_key      text        NOT NULL,
    new_key      text        NOT NULL,
    approval_id  bigint      NOT NULL,
    started_by   text        NOT NULL,
    started_at   timestamptz NOT NULL,
    rows_moved   bigint      NOT NULL DEFAULT 0,
    finished_at  timestamptz,
    CONSTRAINT key_rotation_pkey PRIMARY KEY (rotation_id),
    CONSTRAINT key_rotation_kind_is_known CHECK (kind IN ('wrapping', 'index'))
);
CREATE UNIQUE INDEX key_rotation_one_at_a_time ON privacy.key_rotation (kind)
    WHERE finished_at IS NULL;
