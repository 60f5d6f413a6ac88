-- Customers' requests for a higher limit on a running line, and the decisions on them.
SET LOCAL lock_timeout = '3s';

CREATE TABLE decisioning.limit_request (
    customer_id       bigint      NOT NULL,
    request_id        bigint      NOT NULL,
    line_id           bigint      NOT NULL,
    product_code      text        NOT NULL,
    product_version   integer     NOT NULL,
    currency          char(3)     NOT NULL,
    -- The limit when it was asked for more, and the agreement that the line was under.
    present_minor     bigint      NOT NULL,
    contract_id       bigint      NOT NULL,
    agreement_sha256  bytea       NOT NULL,
    -- The line's own price, which a raise does not change.
    line_rate_daily_e8 integer    NOT NULL,
    requested_minor   bigint      NOT NULL,
    status            text        NOT NULL,
    -- The consent to ask the bureau under; NULL where only a report that is there may serve.
    consent_id        bigint,
    -- Question and features as far as they are known without asking anybody.
    inputs            text        NOT NULL,
    idempotency_key   text        NOT NULL,
    request_hash      bytea       NOT NULL,
    received_at       timestamptz NOT NULL,
    decided_at        timestamptz,
    ended_at          timestamptz,
    outcome           text,
    decided_by        text,
    decision_reason   text,
    grade             text,
    points            integer,
    limit_minor       bigint,
    rate_daily_e8     integer,
    reasons           text[]      NOT NULL DEFAULT '{}',
    policy_hash       text,
    policy_version    text,
    valid_until       date,
    -- Template and version of the amendment that is shown with an offer.
    amendment_ref     text,
    -- The customer's act, canonical JSON: text, language, reading time, instant.
    agreed            text,
    CONSTRAINT limit_request_pkey PRIMARY KEY (customer_id, request_id),
    CONSTRAINT limit_request_once UNIQUE (customer_id, idempotency_key),
    CONSTRAINT limit_request_status_is_known CHECK (status IN (
        'gathering', 'approved', 'declined', 'referred', 'accepted', 'expired', 'withdrawn'
    )),
    CONSTRAINT limit_request_outcome_is_known CHECK (
        outcome IN ('approved', 'declined', 'referred')
    ),
    CONSTRAINT limit_request_asks_for_more CHECK (
        present_minor >= 0 AND requested_minor > present_minor
    ),
    CONSTRAINT limit_request_offers_more CHECK (
        limit_minor = 0 OR limit_minor BETWEEN present_minor + 1 AND requested_minor
    ),
    CONSTRAINT limit_request_offer_is_complete CHECK (
        status NOT IN ('approved', 'accepted')
        OR (limit_minor > 0 AND valid_until IS NOT NULL AND amendment_ref IS NOT NULL)
    ),
    CONSTRAINT limit_request_is_agreed_to CHECK ((status = 'accepted') = (agreed IS NOT NULL)),
    CONSTRAINT limit_request_hashes CHECK (octet_length(agreement_sha256) = 32)
);
-- One open request for each line, whoever asks at the same time.
CREATE UNIQUE INDEX limit_request_already_open
    ON decisioning.limit_request (customer_id, line_id)
    WHERE status IN ('gathering', 'approved', 'referred');
CREATE INDEX limit_request_gathers
    ON decisioning.limit_request (received_at, customer_id, request_id)
    WHERE status = 'gathering';
CREATE INDEX limit_request_expiring ON decisioning.limit_request (valid_until, request_id)
    WHERE status IN ('approved', 'referred');

-- What was decided, by the policy or by a person, with everything needed to decide it again.
CREATE TABLE decisioning.limit_decision (
    customer_id  bigint      NOT NULL,
    request_id   bigint      NOT NULL,
    decision_no  smallint    NOT NULL,
    decided_by   text        NOT NULL,
    outcome      text        NOT NULL,
    policy_hash  text        NOT NULL,
    inputs       text        NOT NULL,
    result       text        NOT NULL,
    reason       text,
    decided_at   timestamptz NOT NULL,
    CONSTRAINT limit_decision_pkey PRIMARY KEY (customer_id, request_id, decision_no),
    CONSTRAINT limit_decision_of_a_request FOREIGN KEY (customer_id, request_id)
        REFERENCES decisioning.limit_request (customer_id, request_id),
    CONSTRAINT limit_decision_outcome_is_known CHECK (
        outcome IN ('approved', 'declined', 'referred')
    ),
    CONSTRAINT limit_decision_by_a_person_has_a_reason CHECK (
        decided_by = 'policy' OR length(btrim(reason)) > 0
    )
);
CREATE FUNCTION decisioning.keep_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;
CREATE TRIGGER limit_decision_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.limit_decision
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_decided();

-- Every decision there is, whatever it is about, for whoever decides it again.
CREATE VIEW decisioning.recorded_decision AS
SELECT customer_id, application_id AS subject_id, decision_no, 'application'::text AS about,
       decided_by, outcome, policy_hash, inputs, result, decided_at
FROM decisioning.decision
UNION ALL
SELECT customer_id, request_id, decision_no, 'limit_request'::text, decided_by, outcome,
       policy_hash, inputs, result, decided_at
FROM decisioning.limit_decision;
