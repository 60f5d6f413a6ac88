-- Host apps: who they are, which customers they know, what was made through them, the lender's
-- pages that they ask for, and what they are told.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA hosts;

CREATE FUNCTION hosts.keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- A host as two people registered it, by version; the last one holds.
CREATE TABLE hosts.host_version (
    host_id            bigint      NOT NULL,
    version_no         integer     NOT NULL,
    code               text        NOT NULL,
    name               text        NOT NULL,
    contract_from      date        NOT NULL,
    contract_until     date        NOT NULL,
    products           text[]      NOT NULL,
    purposes           text[]      NOT NULL,
    drawdown_purposes  text[]      NOT NULL,
    origins            text[]      NOT NULL,
    -- None: the host asks, and is told nothing.
    webhook_url        text,
    asked_by           text        NOT NULL,
    approved_by        text        NOT NULL,
    approval_id        bigint      NOT NULL,
    registered_at      timestamptz NOT NULL,
    CONSTRAINT host_version_pkey PRIMARY KEY (host_id, version_no),
    CONSTRAINT host_version_once_approved UNIQUE (approval_id),
    CONSTRAINT host_version_by_two_people CHECK (asked_by <> approved_by),
    CONSTRAINT host_version_has_a_term CHECK (contract_until >= contract_from),
    CONSTRAINT host_version_has_products CHECK (cardinality(products) > 0),
    CONSTRAINT host_version_has_purposes CHECK (cardinality(purposes) > 0)
);
CREATE UNIQUE INDEX host_code_taken ON hosts.host_version (code, version_no);
CREATE TRIGGER host_version_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON hosts.host_version
FOR EACH STATEMENT EXECUTE FUNCTION hosts.keep_history();

-- One person may stop a host at once; the version that two people register next ends the stop.
CREATE TABLE hosts.host_stop (
    stop_id     bigint      NOT NULL,
    host_id     bigint      NOT NULL,
    version_no  integer     NOT NULL,
    stopped_by  text        NOT NULL,
    reason      text        NOT NULL,
    stopped_at  timestamptz NOT NULL,
    CONSTRAINT host_stop_pkey PRIMARY KEY (stop_id),
    CONSTRAINT host_stop_of_version FOREIGN KEY (host_id, version_no)
        REFERENCES hosts.host_version (host_id, version_no),
    CONSTRAINT host_stop_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE INDEX host_stop_by_version ON hosts.host_stop (host_id, version_no);
CREATE TRIGGER host_stop_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON hosts.host_stop
FOR EACH STATEMENT EXECUTE FUNCTION hosts.keep_history();

-- A key of a host opens the host's own routes and no others.
ALTER TABLE platform.api_key ADD COLUMN host_id bigint;

-- The directory by which a host's own reference is found; a reference never changes its person.
CREATE TABLE hosts.reference (
    host_id      bigint NOT NULL,
    reference    text   NOT NULL,
    customer_id  bigint NOT NULL,
    CONSTRAINT host_reference_taken PRIMARY KEY (host_id, reference)
);

-- A host knows a customer, under the host's own reference. A link that the customer has not
-- confirmed on a page of the lender shows the host nothing.
CREATE TABLE hosts.link (
    customer_id   bigint      NOT NULL,
    host_id       bigint      NOT NULL,
    reference     text        NOT NULL,
    state         text        NOT NULL,
    -- What the host sent is not what the vault keeps: a person looks, the host is not told.
    needs_check   boolean     NOT NULL,
    asked_at      timestamptz NOT NULL,
    confirmed_at  timestamptz,
    ended_at      timestamptz,
    ended_by      text,
    CONSTRAINT host_link_pkey PRIMARY KEY (customer_id, host_id),
    CONSTRAINT host_link_state_is_known CHECK (state IN ('pending', 'confirmed', 'ended')),
    CONSTRAINT host_link_is_whole CHECK (
        (state <> 'confirmed' OR confirmed_at IS NOT NULL)
        AND (state = 'ended') = (ended_at IS NOT NULL)
        AND (ended_at IS NULL) = (ended_by IS NULL))
);

-- Applications, lines and loans that were made through a host; it sees no others.
CREATE TABLE hosts.subject (
    customer_id   bigint      NOT NULL,
    kind          text        NOT NULL,
    subject_id    bigint      NOT NULL,
    host_id       bigint      NOT NULL,
    product_code  text        NOT NULL,
    made_at       timestamptz NOT NULL,
    CONSTRAINT host_subject_pkey PRIMARY KEY (customer_id, kind, subject_id),
    CONSTRAINT host_subject_kind_is_known CHECK (kind IN ('application', 'line', 'loan')),
    CONSTRAINT host_subject_of_link FOREIGN KEY (customer_id, host_id)
        REFERENCES hosts.link (customer_id, host_id)
);
CREATE INDEX host_subject_of_host ON hosts.subject (customer_id, host_id);

-- A page of the lender that a host asked for, for one act of one customer. Tokens are kept by their
-- digest, codes as a keyed hash.
CREATE TABLE hosts.page (
    customer_id    bigint      NOT NULL,
    page_id        bigint      NOT NULL,
    host_id        bigint      NOT NULL,
    act            text        NOT NULL,
    -- What the act is about: canonical JSON of codes, numbers and identifiers.
    asked          text        NOT NULL,
    return_url     text        NOT NULL,
    token_sha256   bytea       NOT NULL,
    state          text        NOT NULL,
    made_at        timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    opened_at      timestamptz,
    -- What the customer is shown, by hash, since when; as JSON.
    shown          text,
    ended_at       timestamptz,
    -- The consent, the line or the signed quote that came of it.
    result         text,
    CONSTRAINT host_page_pkey PRIMARY KEY (customer_id, page_id),
    CONSTRAINT host_page_of_link FOREIGN KEY (customer_id, host_id)
        REFERENCES hosts.link (customer_id, host_id),
    CONSTRAINT host_page_act_is_known CHECK (act IN ('consent', 'cost_sheet', 'agreement')),
    CONSTRAINT host_page_state_is_known
        CHECK (state IN ('waiting', 'opened', 'done', 'refused', 'used')),
    CONSTRAINT host_page_is_whole CHECK (
        (state = 'waiting') = (opened_at IS NULL)
        AND (state IN ('done', 'refused', 'used')) = (ended_at IS NOT NULL)
        AND expires_at > made_at)
);
CREATE INDEX host_page_by_token ON hosts.page (token_sha256);
CREATE INDEX host_page_of_host ON hosts.page (customer_id, host_id);

-- The one-time code by which a customer is recognised on a page, as a keyed hash.
CREATE TABLE hosts.page_code (
    customer_id   bigint      NOT NULL,
    page_id       bigint      NOT NULL,
    mac           bytea       NOT NULL,
    issued_at     timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    attempts      integer     NOT NULL DEFAULT 0,
    issued_count  integer     NOT NULL DEFAULT 1,
    used_at       timestamptz,
    CONSTRAINT page_code_pkey PRIMARY KEY (customer_id, page_id),
    CONSTRAINT page_code_of_page FOREIGN KEY (customer_id, page_id)
        REFERENCES hosts.page (customer_id, page_id)
);

-- What a host signs and checks notices with, sealed. Two live at once while one takes over.
CREATE TABLE hosts.webhook_secret (
    host_id    bigint      NOT NULL,
    secret_id  bigint      NOT NULL,
    sealed     bytea       NOT NULL,
    made_by    text        NOT NULL,
    made_at    timestamptz NOT NULL,
    ends_at    timestamptz,
    CONSTRAINT webhook_secret_pkey PRIMARY KEY (host_id, secret_id)
);

-- What a host is told: identifiers and states, nothing personal. One row an event and host.
CREATE TABLE hosts.delivery (
    customer_id   bigint      NOT NULL,
    delivery_id   bigint      NOT NULL,
    host_id       bigint      NOT NULL,
    event_id      bigint      NOT NULL,
    kind          text        NOT NULL,
    payload       text        NOT NULL,
    state         text        NOT NULL,
    attempts      integer     NOT NULL DEFAULT 0,
    next_at       timestamptz NOT NULL,
    leased_until  timestamptz,
    made_at       timestamptz NOT NULL,
    ended_at      timestamptz,
    CONSTRAINT delivery_pkey PRIMARY KEY (customer_id, delivery_id),
    CONSTRAINT delivery_once UNIQUE (customer_id, host_id, event_id),
    CONSTRAINT delivery_state_is_known CHECK (state IN ('waiting', 'delivered', 'dead')),
    CONSTRAINT delivery_is_whole CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CREATE INDEX delivery_due ON hosts.delivery (next_at, delivery_id) WHERE state = 'waiting';
CREATE INDEX delivery_of_host ON hosts.delivery (host_id, delivery_id);

CREATE TABLE hosts.delivery_attempt (
    customer_id  bigint      NOT NULL,
    delivery_id  bigint      NOT NULL,
    attempt_no   integer     NOT NULL,
    -- `delivered`, or why not: `timeout`, `unreachable`, `status`, `origin`, `secret`.
    outcome      text        NOT NULL,
    http_status  integer,
    at           timestamptz NOT NULL,
    CONSTRAINT delivery_attempt_pkey PRIMARY KEY (customer_id, delivery_id, attempt_no),
    CONSTRAINT delivery_attempt_of FOREIGN KEY (customer_id, delivery_id)
        REFERENCES hosts.delivery (customer_id, delivery_id)
);
CREATE TRIGGER delivery_attempt_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON hosts.delivery_attempt
FOR EACH STATEMENT EXECUTE FUNCTION hosts.keep_history();
