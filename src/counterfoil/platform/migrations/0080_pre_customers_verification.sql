-- Identity checks, failures that limit further tries, cases for a person, references to templates.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION customers.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'CF003';
END $$;

-- One answer of one source. Nothing of what was shown is kept, only what came of it.
CREATE TABLE customers.identity_check (
    customer_id          bigint      NOT NULL,
    check_id             bigint      NOT NULL,
    kind                 text        NOT NULL,
    outcome              text        NOT NULL,
    source               text        NOT NULL,
    checked_at           timestamptz NOT NULL,
    valid_until          date        NOT NULL,
    document_expires_on  date,
    is_of_another        boolean     NOT NULL,
    -- The consent to biometric data, for liveness alone.
    consent_id           bigint,
    policy_sha256        text        NOT NULL,
    recorded_by          text        NOT NULL,
    recorded_at          timestamptz NOT NULL,
    CONSTRAINT identity_check_pkey PRIMARY KEY (customer_id, check_id),
    CONSTRAINT identity_check_kind_is_known CHECK (kind IN (
        'number', 'name_number', 'document', 'liveness', 'phone', 'bank_card', 'in_person'
    )),
    CONSTRAINT identity_check_outcome_is_known CHECK (outcome IN ('pass', 'fail', 'unknown')),
    CONSTRAINT identity_check_of_another_fails CHECK (NOT is_of_another OR outcome = 'fail'),
    CONSTRAINT identity_check_biometric_needs_consent CHECK (
        kind <> 'liveness' OR consent_id IS NOT NULL
    )
);
CREATE INDEX identity_check_latest
    ON customers.identity_check (customer_id, kind, source, checked_at DESC, check_id DESC);
CREATE TRIGGER identity_check_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON customers.identity_check
FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_change();

-- A failure, once for each of person, device and document, under keyed digests. Looked up by
-- digest, because a device or a document is tried under many names.
CREATE TABLE customers.identity_failure (
    customer_id  bigint      NOT NULL,
    check_id     bigint      NOT NULL,
    scope        text        NOT NULL,
    digest       bytea       NOT NULL,
    failed_at    timestamptz NOT NULL,
    CONSTRAINT identity_failure_pkey PRIMARY KEY (customer_id, check_id, scope),
    CONSTRAINT identity_failure_of_a_check FOREIGN KEY (customer_id, check_id)
        REFERENCES customers.identity_check (customer_id, check_id),
    CONSTRAINT identity_failure_scope_is_known CHECK (scope IN ('person', 'device', 'document')),
    CONSTRAINT identity_failure_digest_length CHECK (octet_length(digest) = 16)
);
CREATE INDEX identity_failure_recent ON customers.identity_failure (scope, digest, failed_at);
CREATE TRIGGER identity_failure_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON customers.identity_failure
FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_change();

-- Reference to a biometric template, with a life of its own; it goes with its consent.
CREATE TABLE customers.identity_template (
    customer_id      bigint      NOT NULL,
    check_id         bigint      NOT NULL,
    consent_id       bigint      NOT NULL,
    template_sha256  bytea       NOT NULL,
    expires_at       timestamptz NOT NULL,
    CONSTRAINT identity_template_pkey PRIMARY KEY (customer_id, check_id),
    CONSTRAINT identity_template_of_a_check FOREIGN KEY (customer_id, check_id)
        REFERENCES customers.identity_check (customer_id, check_id),
    CONSTRAINT identity_template_length CHECK (octet_length(template_sha256) = 32)
);
CREATE INDEX identity_template_expiring ON customers.identity_template (expires_at);

-- Something that a person has to look at. `holds` stops what the customer wants to do, never what
-- the customer pays.
CREATE TABLE customers.identity_case (
    customer_id  bigint      NOT NULL,
    case_id      bigint      NOT NULL,
    reason       text        NOT NULL,
    holds        boolean     NOT NULL,
    opened_at    timestamptz NOT NULL,
    closed_at    timestamptz,
    closed_by    text,
    finding      text,
    CONSTRAINT identity_case_pkey PRIMARY KEY (customer_id, case_id),
    CONSTRAINT identity_case_closed_with_a_finding CHECK (
        (closed_at IS NULL) = (closed_by IS NULL)
        AND (closed_at IS NULL) = (finding IS NULL)
        AND (finding IS NULL OR length(btrim(finding)) > 0)
    )
);
-- The same reason is one case until a person has closed it.
CREATE UNIQUE INDEX identity_case_open ON customers.identity_case (customer_id, reason)
    WHERE closed_at IS NULL;
CREATE INDEX identity_case_queue ON customers.identity_case (opened_at) WHERE closed_at IS NULL;
